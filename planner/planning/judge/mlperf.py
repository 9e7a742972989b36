"""MLPerf's data sets: their lengths are part of the benchmark's name, and stand in no table of results."""

from __future__ import annotations

from planner.records import dataclass
from planner.specs.answers.validation import TableRow

# A server run lasts ten minutes at least (mlcommons/inference_policies, inference_rules.adoc, "min_duration": 600,000 ms).
MIN_DURATION_S = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetLengths:
    """Mean lengths of a data set in the tokens of the benchmark's model."""

    input_tokens: float
    output_tokens: float


# Output: the rules' own reference (mlcommons/inference_policies, inference_rules.adoc: "tokens_per_sample=294.45"),
# and 128 generated tokens a sample for the 8B's summaries. Input: what the task forces published of their data sets
# (llama-3.1-405b 9,400; CNN/DailyMail about 800), otherwise assumed alike.
DATASETS: tuple[tuple[str, DatasetLengths], ...] = (
    ("llama2-70b", DatasetLengths(input_tokens=294.0, output_tokens=294.45)),
    ("llama3_1-70b", DatasetLengths(input_tokens=294.0, output_tokens=294.45)),
    ("llama3.1-70b", DatasetLengths(input_tokens=294.0, output_tokens=294.45)),
    ("llama3.1-405b", DatasetLengths(input_tokens=9400.0, output_tokens=684.68)),
    ("llama3_1-405b", DatasetLengths(input_tokens=9400.0, output_tokens=684.68)),
    ("llama3.1-8b", DatasetLengths(input_tokens=800.0, output_tokens=128.0)),
    ("llama3_1-8b", DatasetLengths(input_tokens=800.0, output_tokens=128.0)),
    ("mixtral-8x7b", DatasetLengths(input_tokens=300.0, output_tokens=144.84)),
    ("deepseek-r1", DatasetLengths(input_tokens=800.0, output_tokens=3886.2)),
)


# The rules' reference searches GPT-J's summaries with four beams, so that each sample is four sequences (num_beams: 4).
BEAM_SEARCHED = "gptj"


def searches_beams(row: TableRow) -> bool:
    """Tell whether a row's answers are searched for, not sampled: several sequences each, which share a prompt."""
    return "mlperf" in f"{row.load_type} {row.engine}" and row.model.casefold().startswith(BEAM_SEARCHED)


def dataset_of(row: TableRow) -> DatasetLengths | None:
    """Return the lengths of an MLPerf row's data set, or ``None`` for any other row."""
    if "mlperf" not in row.load_type and "mlperf" not in row.engine:
        return None
    name = row.model.casefold()
    return next((lengths for prefix, lengths in DATASETS if name.startswith(prefix)), None)
