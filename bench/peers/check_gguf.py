"""Answers one request about a GGUF file with llama.cpp: {"file", "text", "source"?}.

Prints the tokens of the text, its logits, and, where `source` names a file of full precision, how
llama.cpp's own quantiser would have written it: types that differ, and the largest ratio of our
root mean square error to its, over all matrices.
"""
import ctypes
import json
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np
from gguf.quants import dequantize

MEDIUM = 15  # llama.cpp's number of the mixture q4_k_m


def logits(path, text):
    model = llama_cpp.Llama(path, logits_all=True, verbose=False, n_ctx=256)
    tokens = model.tokenize(text.encode(), add_bos=False, special=True)
    model.eval(tokens)
    return tokens, np.array(model.scores[: len(tokens)])


def tensors(path):
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def values(tensor):
    return dequantize(tensor.data, tensor.tensor_type).astype(np.float64)


def compared(ours, source):
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        params = llama_cpp.llama_model_quantize_default_params()
        params.ftype = MEDIUM
        if llama_cpp.llama_model_quantize(source.encode(), file.name.encode(), ctypes.byref(params)):
            sys.exit("llama.cpp cannot quantise " + source)
        own, peer, exact = tensors(ours), tensors(file.name), tensors(source)
        names = sorted(own.keys() | peer.keys())
        differ = [n for n in names if n not in own or n not in peer or own[n].tensor_type != peer[n].tensor_type]
        worst = 0.0
        for name in set(names) - set(differ):
            if peer[name].tensor_type != gguf.GGMLQuantizationType.F32:
                true = values(exact[name])
                error = [np.sqrt(((values(t[name]) - true) ** 2).mean()) for t in (own, peer)]
                worst = max(worst, error[0] / error[1])
        return differ, worst


request = json.load(sys.stdin)
tokens, found = logits(request["file"], request["text"])
answer = {"tokens": tokens, "logits": found.ravel().tolist()}
if "source" in request:
    answer["types_differ"], answer["error_ratio"] = compared(request["file"], request["source"])
print(json.dumps(answer))
