"""Runs tokens through model folders with transformers, and through adapters on them with peft.

Reads a list of {"model", "adapter"?, "tokens"} and prints a list of logits, one list a request.
"""
import json
import sys

import peft
import torch
import transformers


def logits(request):
    # Only eager attention caps scores, as some families want it.
    model = transformers.AutoModelForCausalLM.from_pretrained(
        request["model"], dtype=torch.float32, attn_implementation="eager"
    )
    if "adapter" in request:
        model = peft.PeftModel.from_pretrained(model, request["adapter"])
    model.eval()
    with torch.no_grad():
        # Some adapters put virtual tokens before the text.
        found = model(torch.tensor([request["tokens"]])).logits[0, -len(request["tokens"]) :]
    return found.float().flatten().tolist()


transformers.utils.logging.disable_progress_bar()
print(json.dumps([logits(request) for request in json.load(sys.stdin)]))
