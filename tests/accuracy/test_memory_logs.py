"""Memory against real start-up logs, where the shared data folder lies beside the clone."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.errors import DataError
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.memory.architecture import unpack
from planner.planning.memory.weights import engine_weights
from planner.units import GIB

ROOT = Path(__file__).resolve().parent.parent.parent
LOGS = ROOT.parent / "shared" / "data" / "logs" / "vllm_logs.csv"
pytestmark = pytest.mark.skipif(not LOGS.exists(), reason="the shared data folder is not beside the clone")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that fits the profile."""
    spec = importlib.util.spec_from_file_location("fit_vllm_memory", ROOT / "scripts" / "fit_vllm_memory.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pools_of_all_logged_configurations_meet_their_goals(script: ModuleType) -> None:
    errors = np.abs(script.pool_errors(script.usable(pd.read_csv(LOGS)), load_vllm_memory()))
    assert errors.size >= 45
    assert np.median(errors) <= 0.015
    assert np.mean(errors) <= 0.04
    assert np.quantile(errors, 0.9) <= 0.05


def test_the_fit_is_reproduced_by_its_script(script: ModuleType) -> None:
    again = script.fit(script.usable(pd.read_csv(LOGS)))
    shipped = json.loads((ROOT / "planner" / "profiles" / "vllm_memory.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in again.items() if key != "residuals"} == {
        key: value for key, value in shipped.items() if key != "residuals"
    }


def test_weights_of_all_logged_models_meet_their_goals(script: ModuleType) -> None:
    rows: Any = pd.read_csv(LOGS)
    errors: list[float] = []
    for row in rows[rows.weights_gib.notna()].itertuples():
        try:
            model = unpack(script.BOOKS.models.find(script.model_name(row)))
        except DataError:
            continue
        scheme = "fp8-mlp" if "405B" in row.model else str(row.dtype_quant)
        found = engine_weights(
            model, quantization=scheme, tensor_parallel=int(row.tp), pipeline_parallel=int(row.pp)
        )
        errors.append(abs(found.stages[0].total_bytes / GIB / row.weights_gib - 1))
    assert len(errors) >= 50
    assert np.median(errors) <= 0.002
    assert max(errors) <= 0.03
