"""Losses of training methods that the reference libraries' cases leave out, from short formulas and an own forward pass.

python method_losses.py ../methods

Everything is fp64: the decoder is written out, the formulas are those of the papers, and gradients come from autograd. The
batches are those that lie beside the cases. Two probes of the gradient and its whole norm are kept.
Needs torch and safetensors.
"""
import json
import math
import os
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

ROOT = sys.argv[1]
PROBES = ("model.layers.0.self_attn.q_proj.weight", "model.norm.weight")
TOLERANCE = {"loss": {"rtol": 2e-5, "atol": 2e-6}, "gradients": {"max_abs_diff_over_max_abs": 1e-4},
             "log_probs": {"rtol": 1e-5, "atol": 5e-6}, "reason": "fp32 against fp64"}


class Llama:
    def __init__(self, name):
        folder = os.path.join(ROOT, "models", name)
        self.config = json.load(open(os.path.join(folder, "config.json")))
        self.w = {k: v.double().requires_grad_() for k, v in load_file(os.path.join(folder, "model.safetensors")).items()}

    def norm(self, x, name):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.config["rms_norm_eps"]) * self.w[name]

    def logits(self, ids):
        """Of one row without padding."""
        c, w = self.config, self.w
        n, heads, kv, width = len(ids), c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
        angle = torch.arange(n).double()[:, None] * 10000.0 ** (-torch.arange(0, width, 2).double() / width)
        cos, sin = angle.cos()[:, None], angle.sin()[:, None]

        def turned(x):
            a, b = x.chunk(2, -1)
            return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

        x = w["model.embed_tokens.weight"][ids]
        for i in range(c["num_hidden_layers"]):
            p = f"model.layers.{i}."
            h = self.norm(x, p + "input_layernorm.weight")
            q = turned((h @ w[p + "self_attn.q_proj.weight"].T).view(n, heads, width))
            k = turned((h @ w[p + "self_attn.k_proj.weight"].T).view(n, kv, width)).repeat_interleave(heads // kv, 1)
            v = (h @ w[p + "self_attn.v_proj.weight"].T).view(n, kv, width).repeat_interleave(heads // kv, 1)
            s = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(width)
            s = s.masked_fill(~torch.ones(n, n).tril().bool(), -math.inf).softmax(-1)
            x = x + torch.einsum("hqk,khd->qhd", s, v).reshape(n, -1) @ w[p + "self_attn.o_proj.weight"].T
            h = self.norm(x, p + "post_attention_layernorm.weight")
            x = x + (F.silu(h @ w[p + "mlp.gate_proj.weight"].T) * (h @ w[p + "mlp.up_proj.weight"].T)) @ w[p + "mlp.down_proj.weight"].T
        return self.norm(x, "model.norm.weight") @ w["lm_head.weight"].T

    def answers(self, rows):
        """Log-probabilities of the answer's tokens of each (ids, mask)."""
        out = []
        for ids, mask in rows:
            logp = self.logits(ids)[:-1].log_softmax(-1).gather(1, ids[1:, None])[:, 0]
            out.append(logp[mask[1:].bool()])
        return out


def batch(path, mask="completion_mask"):
    t = load_file(os.path.join(ROOT, path, "tensors.safetensors"))
    return [(ids[a.bool()], m[a.bool()]) for ids, a, m in zip(t["input_ids"], t["attention_mask"], t[mask])]


def pairs(values):
    n = len(values) // 2
    return torch.stack(values[:n]), torch.stack(values[n:])


def log_sigmoid(x):
    return F.logsigmoid(x)


# ------------------------------------------------------------------ DPO family

def preference(p, policy, reference, rows):
    lengths = [float(m[1:].sum()) for _, m in rows]
    ratios = [a.sum() - b.sum().detach() for a, b in zip(policy.answers(rows), reference.answers(rows))]
    beta, eps, kind = p["beta"], p.get("label_smoothing", 0.0), p["loss"][0]
    if p.get("f_divergence") == "alpha_divergence":
        power = p["alpha_coef"] - 1
        scores = [(torch.exp(power * x) - 1) / power for x in ratios]
    else:
        scores = ratios
    (c, r), (sc, sr) = pairs(ratios), pairs(scores)
    nc, nr = pairs([torch.tensor(n).double() for n in lengths])

    def smoothed(z):
        return -(1 - eps) * log_sigmoid(z) - eps * log_sigmoid(-z)

    if kind == "nca_pair":
        return -log_sigmoid(beta * c) - 0.5 * log_sigmoid(-beta * c) - 0.5 * log_sigmoid(-beta * r)
    if kind == "apo_down":
        return torch.sigmoid(beta * c) + 1 - torch.sigmoid(beta * (c - r))
    if kind == "aot_unpaired":
        return smoothed(beta * (c.sort().values - r.sort().values))
    if kind == "sigmoid_norm":
        return smoothed(beta * (sc / nc - sr / nr))
    if kind == "ipo":
        return (sc / nc - sr / nr - 1 / (2 * beta)) ** 2
    return smoothed(beta * (sc - sr))


DPO = {
    "nca_pair": dict(beta=0.3, loss=["nca_pair"]),
    "apo_down": dict(beta=0.3, loss=["apo_down"]),
    "aot_unpaired": dict(beta=0.3, label_smoothing=0.1, loss=["aot_unpaired"]),
    "sigmoid_norm": dict(beta=2.0, label_smoothing=0.1, loss=["sigmoid_norm"]),
    "f_alpha": dict(beta=0.3, loss=["sigmoid"], f_divergence="alpha_divergence", alpha_coef=0.3),
    "f_alpha_ipo": dict(beta=0.3, loss=["ipo"], f_divergence="alpha_divergence", alpha_coef=0.7),
}


# ------------------------------------------------------------------ pairs without a reference

def without_reference(p, policy, rows):
    logps = policy.answers(rows)
    average = p["loss"] in ("simpo", "ipo")
    c, r = pairs([x.mean() if average else x.sum() for x in logps])
    beta, eps, alpha = p["beta"], p.get("label_smoothing", 0.0), p.get("alpha", 0.0)
    if alpha:
        c, r = (1 - torch.exp(-alpha * c)) / alpha, (1 - torch.exp(-alpha * r)) / alpha
    z = beta * (c - r) - (p["gamma"] if p["loss"] == "simpo" else 0.0)
    if p["loss"] == "ipo":
        value = (c - r - 1 / (2 * beta)) ** 2
    else:
        value = -(1 - eps) * log_sigmoid(z) - eps * log_sigmoid(-z)
    return value.mean() - p["cpo_alpha"] * torch.cat(logps[: len(logps) // 2]).mean()


REFLESS = {
    "cpo_ipo": dict(beta=0.4, cpo_alpha=0.5, loss="ipo"),
    "cpo_smoothed": dict(beta=0.1, cpo_alpha=1.0, label_smoothing=0.1, loss="sigmoid"),
    "simpo_smoothed": dict(beta=2.0, cpo_alpha=0.0, gamma=1.0, label_smoothing=0.1, loss="simpo"),
    "simpo_shaped": dict(beta=2.0, cpo_alpha=0.0, gamma=1.0, alpha=0.1, loss="simpo"),
}


# ------------------------------------------------------------------ groups

def group(p, policy, old, rows, advantages):
    now, before = policy.answers(rows), [x.detach() for x in old.answers(rows)]
    total = 0.0
    tokens = sum(len(x) for x in now)
    for x, o, a in zip(now, before, advantages.double()):
        change = x - o
        if p["loss"] == "luspo":
            w = torch.exp(change.mean())
            term = -torch.minimum(w * a, w.clamp(1 - p["epsilon"], 1 + p["epsilon_high"]) * a)
            total = total + term * len(x) / len(now)
        elif p["loss"] == "sapo":
            w = torch.exp(change.mean()).expand(len(x)) if p.get("level") == "sequence" else torch.exp(change)
            tau = 1.0 if a > 0 else 1.05
            total = total + (-4 / tau * torch.sigmoid(tau * (w - 1)) * a).mean() / len(now)
        else:
            k, lam = (2.0, 3.0) if a >= 0 else (3.0, 2.0)
            w = torch.exp(change.sum().detach())
            total = total - (math.exp(lam) * w ** k * torch.exp(-lam * w) * a * x).sum() / tokens
    return total


GROUP = {
    "luspo": dict(loss="luspo", level="sequence", epsilon=0.03, epsilon_high=0.04),
    "sapo": dict(loss="sapo"),
    "sapo_sequence": dict(loss="sapo", level="sequence"),
    "vespo": dict(loss="vespo"),
}


def group_rows():
    t = load_file(os.path.join(ROOT, "grpo", "batch_default", "tensors.safetensors"))
    rows = []
    for pi, pm, ci, cm in zip(t["prompt_ids"], t["prompt_mask"], t["completion_ids"], t["completion_mask"]):
        prompt, answer = pi[pm.bool()], ci[cm.bool()]
        rows.append((torch.cat([prompt, answer]), torch.cat([torch.zeros(len(prompt)), torch.ones(len(answer))])))
    return rows, t["advantages"]


# ------------------------------------------------------------------ whole distributions

def distilled(p, policy, other, rows):
    """(1 − mix)·CE + mix·T²·KL(student ‖ teacher), or for ASFT p·CE + alpha·KL(reference ‖ policy)."""
    total, count = 0.0, 0
    for ids, labels in rows:
        at = (labels[1:] != -100).nonzero()[:, 0]
        x, y = policy.logits(ids)[at], other.logits(ids)[at].detach()
        ce = F.cross_entropy(x, labels[1:][at], reduction="none")
        if p.get("loss") == "asft":
            s, t = x.log_softmax(-1), y.log_softmax(-1)
            each = ce * torch.exp(-ce).detach() + p["alpha"] * (t.exp() * (t - s)).sum(-1)
        else:
            soft = p["temperature"]
            s, t = (x / soft).log_softmax(-1), (y / soft).log_softmax(-1)
            each = (1 - p["mix"]) * ce + p["mix"] * soft * soft * (s.exp() * (s - t)).sum(-1)
        total, count = total + each.sum(), count + len(at)
    return total / count


def labelled(path):
    t = load_file(os.path.join(ROOT, path, "tensors.safetensors"))
    kept = {k: t[k] for k in ("input_ids", "attention_mask", "labels")}
    if "token_log_probs" in t:
        kept["token_log_probs"] = t["token_log_probs"]
    return [(i[a.bool()], l[a.bool()]) for i, a, l in zip(t["input_ids"], t["attention_mask"], t["labels"])], kept


def write(name, what, parameters, policy, loss, extra=None, tensors=None):
    for weight in policy.w.values():
        weight.grad = None
    loss.backward()
    squares = sum((w.grad ** 2).sum() for w in policy.w.values())
    case = dict(what=what, source="own formula", parameters=parameters, loss=loss.item(), grad_norm=math.sqrt(squares),
                tolerance=TOLERANCE, **(extra or {}))
    folder = os.path.join(ROOT, name)
    os.makedirs(folder, exist_ok=True)
    kept = {k: v.contiguous() for k, v in (tensors or {}).items()}
    kept.update({"grad/" + n: policy.w[n].grad.float() for n in PROBES})
    save_file(kept, os.path.join(folder, "tensors.safetensors"))
    with open(os.path.join(folder, "case.json"), "w") as f:
        f.write(json.dumps(case, indent=2, sort_keys=True) + "\n")
    print(name, loss.item())


def main():
    policy, reference, old, teacher = (Llama(n) for n in ("policy", "reference", "old_policy", "teacher"))
    beside = {"batch": "batch_default"}
    rows = batch("dpo/batch_default")
    for name, p in DPO.items():
        loss = preference(p, policy, reference, rows)
        write("dpo/" + name, f"DPO loss {name} on batch_default", p, policy, loss.mean(), beside)
    rows = batch("refless/batch_default")
    for name, p in REFLESS.items():
        write("refless/" + name, f"{name}: loss without a reference model on batch_default", p, policy,
              without_reference(p, policy, rows), beside)
    rows, advantages = group_rows()
    for name, p in GROUP.items():
        write("grpo/" + name, f"policy loss {name} on batch_default", p, policy, group(p, policy, old, rows, advantages),
              beside, {"advantages": advantages})
    rows, kept = labelled("distill/forward_kl")
    p = dict(beta=1.0, temperature=1.5, mix=0.6)
    write("distill/reverse_kl", "cross-entropy and KL(student || teacher) at a temperature", p, policy,
          distilled(p, policy, teacher, rows), {"models": {"student": "models/policy", "teacher": "models/teacher"}}, kept)
    rows, kept = labelled("sft/dft")
    p = dict(loss="asft", alpha=0.5)
    write("sft/asft", "probability-weighted NLL anchored by KL(reference || policy)", p, policy,
          distilled(p, policy, reference, rows), {"models": {"policy": "models/policy", "reference": "models/reference"}}, kept)


main()
