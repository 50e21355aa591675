#!/bin/bash
# Measures docsearch on a machine with a CUDA GPU in ten minutes, the most important things first.
#
#     benchmarks/gpu.sh [OUT] [WHEELS]
#
# Each part has a time limit of its own, and its rows are in OUT as soon as they are measured: if the machine goes away,
# what was measured stays. Nothing is downloaded. The machine needs python with torch, triton, transformers, peft,
# accelerate, tokenizers, safetensors, numpy and pillow. The wheels in WHEELS (default: benchmarks/wheels) are unpacked
# and used where they are: of peers (flash-maxsim, late-interaction-kernels), and of what the tests need and the machine
# lacks (pytest, hypothesis, threadpoolctl, onnxruntime).
#
# On a machine without a GPU the kernels are tested in Triton's interpreter, and the other parts say why they are skipped.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$here/.bench/gpu-$(date +%Y-%m-%d-%H%M)}
wheels=${2:-$here/benchmarks/wheels}
python=${PYTHON:-python3}
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)
began=$SECONDS

# The repository is the package: a link named docsearch makes it importable without installing it.
packages=$out/packages
mkdir -p "$packages"
ln -sfn "$here" "$packages/docsearch"
for wheel in "$wheels"/*.whl; do
    [ -e "$wheel" ] && "$python" -m zipfile -e "$wheel" "$packages" >>"$out/wheels.log" 2>&1
done
export PYTHONPATH="$packages:$here${PYTHONPATH:+:$PYTHONPATH}" PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1

# part NAME SECONDS COMMAND...: stdout to NAME.jsonl, stderr to NAME.log, a line about it to summary.txt at once.
part() {
    local name=$1 limit=$2 start=$SECONDS code
    shift 2
    timeout --kill-after=5 "$limit" "$@" >"$out/$name.jsonl" 2>"$out/$name.log"
    code=$?
    [ $code = 124 ] && code="stopped after its limit"
    echo "$name: $((SECONDS - start)) s, $(wc -l <"$out/$name.jsonl") lines, exit $code" | tee -a "$out/summary.txt"
    tail -n 1 "$out/$name.log" | cut -c1-300 | tee -a "$out/summary.txt"
}
benchmark() {
    local name=$1 limit=$2
    # Stopped by itself a little earlier, so that its last rows are written.
    part "$name" "$limit" "$python" -m benchmarks "$name" --json --limit $((limit - 10))
}

cd "$here" || exit 2
part machine 20 "$python" -c "
import json, platform, torch
gpu = torch.cuda.is_available()
print(json.dumps({'gpus': [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
                  'torch': torch.__version__, 'cuda': torch.version.cuda, 'python': platform.python_version()}))"
part kernels 90 "$python" -m pytest -q -x -p no:cacheprovider tests/engine/kernels/test_maxsim_triton.py \
    -m "not slow" -o addopts=--import-mode=importlib -W ignore
benchmark maxsim_gpu_codecs 110
benchmark maxsim_gpu 80
benchmark jina_v4 170
part gpu_tests 60 "$python" -m pytest -q -p no:cacheprovider --continue-on-collection-errors \
    tests/engine/models/jina_v4 tests/engine/ranking/test_gpu.py \
    -m gpu -o addopts=--import-mode=importlib -W ignore
benchmark pixel_gpu 50
echo "all: $((SECONDS - began)) s, in $out" | tee -a "$out/summary.txt"
