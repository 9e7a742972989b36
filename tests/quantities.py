"""What hypothesis draws from: quantities in the ranges that planner meets."""

from hypothesis import strategies as st

FRACTIONS = st.floats(0, 1)
FACTORS = st.floats(1, 100)
TOKENS = st.integers(0, 2_000_000)
COUNTS = st.integers(1, 512)
USD_PER_TOKEN = st.floats(0, 1e-3)
RATES = st.floats(1e-6, 1e4)
SECONDS = st.floats(1e-6, 1e5)
BYTES = st.floats(1, 1e13)
