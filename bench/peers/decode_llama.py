"""Continues random prompts greedily with llama.cpp, bf16, all cores.

Takes the options of `tunesmith bench decode` and prints the same figures as one JSON line. The
model folder is converted once, beside the environment's temporary files: names and shapes of
Llama and Qwen2, without a vocabulary, and without the reordering of query and key rows that
llama.cpp's rotary pairs want. So its text means nothing, but it costs what text costs.
"""
import argparse
import ctypes
import hashlib
import json
import os
import sys
import tempfile
import time

import gguf
import llama_cpp
import numpy
import torch
from safetensors import safe_open

options = argparse.ArgumentParser()
options.add_argument("--model", required=True)
options.add_argument("--prompt", type=int, default=128)
options.add_argument("--new", type=int, default=64)
options.add_argument("--batch", type=int, default=1)
asked = options.parse_args()

ARCHITECTURES = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2}


def convert(folder, target):
    config = json.load(open(os.path.join(folder, "config.json")))
    kind = ARCHITECTURES.get(config["model_type"])
    if kind is None:
        sys.exit(f"no conversion of {config['model_type']} to GGUF here; llama and qwen2 have one")
    writer = gguf.GGUFWriter(target, gguf.MODEL_ARCH_NAMES[kind])
    layers = config["num_hidden_layers"]
    writer.add_block_count(layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config.get("rope_theta", 10000.0))
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    names = gguf.get_tensor_name_map(kind, layers)
    with safe_open(os.path.join(folder, "model.safetensors"), "pt") as tensors:
        for name in tensors.keys():
            tensor = tensors.get_tensor(name)
            to = names.get_name(name, try_suffixes=(".weight", ".bias"))
            if tensor.dim() == 1:
                writer.add_tensor(to, tensor.float().numpy())
            else:
                halves = tensor.contiguous().view(torch.int16).numpy()
                writer.add_tensor(
                    to, halves.view(numpy.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16
                )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


key = hashlib.sha256(os.path.realpath(asked.model).encode()).hexdigest()[:16]
file = os.path.join(tempfile.gettempdir(), f"tunesmith-peer-{key}.gguf")
if not os.path.exists(file):
    convert(asked.model, file + ".part")
    os.rename(file + ".part", file)

threads = len(os.sched_getaffinity(0))
quiet = llama_cpp.llama_log_callback(lambda *_: None)  # C keeps no reference
llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
llama_cpp.llama_backend_init()
model = llama_cpp.llama_model_load_from_file(file.encode(), llama_cpp.llama_model_default_params())
settings = llama_cpp.llama_context_default_params()
settings.n_ctx = asked.batch * (asked.prompt + asked.new + 16)
settings.n_batch = asked.batch * asked.prompt
settings.n_ubatch = min(settings.n_batch, 512)
settings.n_seq_max = asked.batch
settings.n_threads = settings.n_threads_batch = threads
context = llama_cpp.llama_init_from_model(model, settings)
memory = llama_cpp.llama_get_memory(context)
words = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
prompts = numpy.random.default_rng(0).integers(3, min(8000, words), (asked.batch, asked.prompt))
batch = llama_cpp.llama_batch_init(asked.batch * asked.prompt, 0, 1)


def step(rows):
    """Reads (sequence, position, token, wants logits) rows; returns the best next tokens."""
    batch.n_tokens = len(rows)
    for i, (sequence, position, token, wanted) in enumerate(rows):
        batch.token[i] = int(token)
        batch.pos[i] = position
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = sequence
        batch.logits[i] = wanted
    if llama_cpp.llama_decode(context, batch) != 0:
        sys.exit("llama_decode failed")
    best = []
    for i, row in enumerate(rows):
        if row[3]:
            logits = llama_cpp.llama_get_logits_ith(context, i)
            best.append(int(numpy.argmax(numpy.ctypeslib.as_array(logits, (words,)))))
    return best


def generate(fresh):
    llama_cpp.llama_memory_clear(memory, True)
    last = asked.prompt - 1
    start = time.perf_counter()
    tokens = step(
        [
            (s, p, prompts[s][p], p == last)
            for s in range(asked.batch)
            for p in range(asked.prompt)
        ]
    )
    read = time.perf_counter()
    for i in range(fresh - 1):
        tokens = step([(s, asked.prompt + i, tokens[s], True) for s in range(asked.batch)])
    return read - start, time.perf_counter() - read


generate(16)
prefill, decode = generate(asked.new)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(
    json.dumps(
        {
            "prefill_tokens_per_second": round(asked.batch * asked.prompt / prefill, 1),
            "decode_tokens_per_second": round(asked.batch * (asked.new - 1) / decode, 2),
            "peak_rss_gib": round(peak / 2**20, 3),
        }
    )
)
