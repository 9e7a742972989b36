"""Metrics and statistics as measured tables write them, to ours."""

from __future__ import annotations

import re
from typing import Literal

Metric = Literal[
    "ttft",
    "tpot",
    "e2e",
    "output_throughput",
    "output_throughput_per_gpu",
    "request_throughput",
    "total_throughput",
    "input_throughput",
    "user_throughput",
    "prefill_throughput",
    "decode_throughput",
    "weights",
    "kv",
    "kv_tokens",
    "activation",
    "compute_buffer",
]
Statistic = Literal["mean", "p50", "p90", "p95", "p99"]

METRICS: dict[str, Metric] = {
    "ttft": "ttft",
    "time_to_first_token": "ttft",
    "first_token_latency": "ttft",
    "first_token_time": "ttft",
    "prompt_time": "ttft",
    "prompt_latency": "ttft",
    "prefill_latency": "ttft",
    "prefill_time": "ttft",
    "first_token": "ttft",
    "tpot": "tpot",
    "itl": "tpot",
    "inter_token_latency": "tpot",
    "time_per_output_token": "tpot",
    "token_latency": "tpot",
    "token_time": "tpot",
    "tbt": "tpot",
    "time_between_tokens": "tpot",
    "per_token_latency": "tpot",
    "ms_per_token": "tpot",
    "decode_latency": "tpot",
    "e2e": "e2e",
    "e2el": "e2e",
    "e2e_latency": "e2e",
    "end_to_end_latency": "e2e",
    "latency": "e2e",
    "request_latency": "e2e",
    "output_throughput": "output_throughput",
    "system_output_throughput": "output_throughput",
    "output_token_throughput": "output_throughput",
    "output_tokens_per_second": "output_throughput",
    "tokens_per_second": "output_throughput",
    "throughput": "output_throughput",
    "max_throughput": "output_throughput",
    "output_tok": "output_throughput",
    "output_tokens": "output_throughput",
    "output_tps": "output_throughput",
    "tps": "output_throughput",
    "tok": "output_throughput",
    "tokens": "output_throughput",
    "throughput_tok": "output_throughput",
    "generated_tokens": "output_throughput",
    "generated_tokens_per_second": "output_throughput",
    "output_throughput_per_gpu": "output_throughput_per_gpu",
    "tokens_per_second_per_gpu": "output_throughput_per_gpu",
    "per_gpu_throughput": "output_throughput_per_gpu",
    "samples": "request_throughput",
    "samples_per_second": "request_throughput",
    "requests_per_second": "request_throughput",
    "request_throughput": "request_throughput",
    "requests": "request_throughput",
    "req": "request_throughput",
    "rps": "request_throughput",
    "qps": "request_throughput",
    "total_throughput": "total_throughput",
    "total_token_throughput": "total_throughput",
    "total_tokens_per_second": "total_throughput",
    "total_tps": "total_throughput",
    "total_tok": "total_throughput",
    "input_throughput": "input_throughput",
    "input_token_throughput": "input_throughput",
    "user_throughput": "user_throughput",
    "tokens_per_user": "user_throughput",
    "tps_user": "user_throughput",
    "tok_s_user": "user_throughput",
    "tokens_s_user": "user_throughput",
    "tps_per_user": "user_throughput",
    "output_throughput_per_user": "user_throughput",
    "output_token_throughput_per_user": "user_throughput",
    "tokens_per_second_per_user": "user_throughput",
    "interactivity": "user_throughput",
    "prefill_throughput": "prefill_throughput",
    "prompt_throughput": "prefill_throughput",
    "prompt_eval": "prefill_throughput",
    "prompt_eval_tps": "prefill_throughput",
    "prompt_processing": "prefill_throughput",
    "prefill_tps": "prefill_throughput",
    "prefill_speed": "prefill_throughput",
    "pp": "prefill_throughput",
    "decode_throughput": "decode_throughput",
    "generation_throughput": "decode_throughput",
    "eval_throughput": "decode_throughput",
    "eval_tps": "decode_throughput",
    "gen_tps": "decode_throughput",
    "text_generation": "decode_throughput",
    "decode_tps": "decode_throughput",
    "decode_speed": "decode_throughput",
    "eval_rate": "decode_throughput",
    "tg": "decode_throughput",
    "weights": "weights",
    "weight": "weights",
    "model_buffer": "weights",
    "kv": "kv",
    "kv_cache": "kv",
    "kv_buffer": "kv",
    "kv_bytes_per_token": "kv",
    "kv_tokens": "kv_tokens",
    "kv_pool_tokens": "kv_tokens",
    "kv_cache_tokens": "kv_tokens",
    "activation": "activation",
    "peak_activation": "activation",
    "compute_buffer": "compute_buffer",
}
OTHER_STATISTIC = re.compile(r"std|stdev|stddev|min|max|minimum|maximum|p\d+(?:\.\d+)?")
AROUND = re.compile(
    r"^(?:mean|avg|average|median|p\d\d)_|(?<=pp)\d+$|(?<=tg)\d+$"
    r"|_(?:ms|s|us|sec|seconds|mean|avg|average|median|p\d\d|mib|gib|bytes|per_second|per_sec)$"
)
STATISTICS: dict[str, Statistic] = {
    "median": "p50",
    "p50": "p50",
    "p90": "p90",
    "p95": "p95",
    "p99": "p99",
}


def metric_of(metric: str, unit: str = "") -> Metric | None:
    """Return our name of a metric, or ``None``. Percentiles in the name are the statistic's.

    >>> metric_of("ITL (ms)"), metric_of("ttft_mean_ms"), metric_of("throughput", "tok/s/gpu"), metric_of("tg128")
    ('tpot', 'ttft', 'output_throughput_per_gpu', 'decode_throughput')
    """
    text = re.sub(r"\(.*?\)", "", metric.casefold()).strip()
    per_gpu = "gpu" in text or "gpu" in unit.casefold()
    text = re.sub(r"[_\s/]*(?:per_)?gpu$", "", re.sub(r"[\s\-/]+", "_", text)) if per_gpu else text
    text = re.sub(r"[\s\-/]+", "_", text)
    for _ in range(2):  # "ttft_mean_ms"
        text = re.sub(AROUND, "", text)
    found = METRICS.get(text)
    if found == "output_throughput" and per_gpu:
        return "output_throughput_per_gpu"
    if found == "output_throughput" and "user" in unit.casefold():
        return "user_throughput"
    if found == "output_throughput" and re.search(r"req|sample", unit.casefold()):
        return "request_throughput"
    return found


def statistic_of(statistic: str, metric: str = "") -> Statistic:
    """Return the statistic that a row states; the mean when it states none of ours, or several.

    >>> statistic_of("p99"), statistic_of("mean/median as published"), statistic_of("", "p50_ttft")
    ('p99', 'mean', 'p50')
    """
    text = f"{statistic} {metric}".casefold()
    if "mean" in text or "average" in text:
        return "mean"
    found = [name for word, name in STATISTICS.items() if re.search(rf"(?<![a-z0-9]){word}(?!\d)", text)]
    return found[0] if found else "mean"


def is_other_statistic(statistic: str) -> bool:
    """Tell whether a row states a statistic that is none of ours, and none that a mean stands for.

    >>> [is_other_statistic(each) for each in ("std", "p75", "max", "p99", "mean of 3", "max load")]
    [True, True, True, False, False, False]
    """
    text = statistic.strip().casefold()
    return text not in STATISTICS and re.fullmatch(OTHER_STATISTIC, text) is not None
