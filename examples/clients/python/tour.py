"""The whole way with the official Python SDK, unchanged: upload, train, follow, chat, batch, grade, cancel, errors.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=tsk_… venv/bin/python tour.py

The server is the one that `./tunesmith up` started; it must know the model "nano":
`./tunesmith models import examples/nano/model --name nano --base`.
"""

import json
import os
import pathlib
import time
import uuid

import openai

BASE_MODEL = "nano"
EXAMPLES = pathlib.Path(__file__).parents[2]
DATA = EXAMPLES / "quickstart"
QUESTION = [{"role": "user", "content": "Who are you?"}]
ENDED = {"succeeded", "failed", "cancelled"}

# Address and key come from OPENAI_BASE_URL and OPENAI_API_KEY.
client = openai.OpenAI()


def main():
    files = [upload("train.jsonl"), upload("validation.jsonl")]
    job = follow(create(files, n_epochs=2, suffix="python"))
    assert job.status == "succeeded", job.error
    show_history(job)
    chat(job.fine_tuned_model)
    batch(job.fine_tuned_model)
    grade(job.fine_tuned_model)
    reinforce()
    cancel(create(files, n_epochs=50, suffix="never"))
    errors(files[0], job)
    client.files.delete(files[1].id)
    print("tour: done")


def upload(name, folder=DATA):
    uploaded = client.files.create(file=folder / name, purpose="fine-tune")
    ready = client.files.wait_for_processing(uploaded.id, poll_interval=0.2)
    assert ready.status == "processed", ready.status_details
    assert client.files.content(ready.id).read() == (folder / name).read_bytes()
    assert ready.id in [file.id for file in client.files.list(limit=1)], "auto-pagination of files"
    print(f"upload: {ready.id} {ready.filename} {ready.bytes} bytes")
    return ready


def create(files, n_epochs, suffix):
    """LoRA is an extension: it travels in `x_training`, which the SDK passes on as it is."""
    job = client.fine_tuning.jobs.create(
        model=BASE_MODEL,
        training_file=files[0].id,
        validation_file=files[1].id,
        suffix=suffix,
        seed=7,
        metadata={"tour": "python"},
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": n_epochs, "batch_size": 8}}},
        extra_body={"x_training": {"adapter": "lora", "rank": 8, "learning_rate": 0.0015, "max_seq_len": 256}},
        extra_headers={"Idempotency-Key": f"tour-{uuid.uuid4()}"},
    )
    print(f"job: {job.id} {job.status}")
    return job


def follow(job, until=ENDED):
    seen = job.status
    while job.status not in until:
        time.sleep(0.3)
        job = client.fine_tuning.jobs.retrieve(job.id)
        if job.status != seen:
            seen = job.status
            print(f"job: {job.id} {job.status}")
    return job


def show_history(job):
    assert job.id in [other.id for other in client.fine_tuning.jobs.list(limit=1)], "auto-pagination of jobs"
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))  # asks for page after page
    assert len({event.id for event in events}) == len(events) > 3
    losses = [event.data["train_loss"] for event in events if event.type == "metrics" and "train_loss" in event.data]
    print(f"events: {len(events)}, loss {losses[-1]:.3f} → {losses[0]:.3f}")
    for checkpoint in client.fine_tuning.jobs.checkpoints.list(job.id, limit=1):
        print(f"checkpoint: step {checkpoint.step_number}, {checkpoint.fine_tuned_model_checkpoint}")
    for result in job.result_files:
        print(f"result: {result}, {len(client.files.content(result).text.splitlines())} lines")
    assert client.models.retrieve(job.fine_tuned_model).id == job.fine_tuned_model
    assert job.fine_tuned_model in [model.id for model in client.models.list()]


def chat(model):
    whole = client.chat.completions.create(model=model, messages=QUESTION, temperature=0, max_completion_tokens=48)
    text = whole.choices[0].message.content
    parts, usage = [], None
    for chunk in client.chat.completions.create(
        model=model,
        messages=QUESTION,
        temperature=0,
        max_completion_tokens=48,
        stream=True,
        stream_options={"include_usage": True},
    ):
        parts += [choice.delta.content or "" for choice in chunk.choices]
        usage = chunk.usage or usage
    assert "".join(parts) == text, (parts, text)
    assert usage == whole.usage, (usage, whole.usage)
    print(f"chat: {text!r} ({usage.completion_tokens} tokens, {len(parts)} chunks, {whole.choices[0].finish_reason})")

    likely = client.chat.completions.create(
        model=model, messages=QUESTION, temperature=0, max_completion_tokens=4, logprobs=True, top_logprobs=2
    ).choices[0].logprobs.content
    assert all(token.logprob == token.top_logprobs[0].logprob for token in likely)
    plain = client.completions.create(model=model, prompt="Who are", max_tokens=4, temperature=0)
    print(f"completion: {plain.choices[0].text!r}")


def batch(model):
    """A file of requests becomes a file of answers; what a model refuses stands in a file of its own."""
    questions = ["Who are you?", "When do you open?", "Is 8 greater than 19?"]
    rows = [
        {
            "custom_id": f"question-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": model,
                "messages": [{"role": "user", "content": question}],
                "temperature": 0,
                "max_completion_tokens": 32,
            },
        }
        for number, question in enumerate(questions)
    ]
    rows.append({**rows[0], "custom_id": "too-hot", "body": {**rows[0]["body"], "temperature": 99}})

    done = answered(rows)
    assert done.status == "completed" and done.errors is None, done
    counts = done.request_counts
    assert (counts.total, counts.completed, counts.failed) == (4, 3, 1), counts
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens > 0
    answers = lines(done.output_file_id)
    assert [answer["custom_id"] for answer in answers] == [row["custom_id"] for row in rows[:3]]
    said = [answer["response"]["body"]["choices"][0]["message"]["content"] for answer in answers]
    again = client.chat.completions.create(**rows[0]["body"])
    assert said[0] == again.choices[0].message.content, said
    refused = lines(done.error_file_id)
    assert [(line["custom_id"], line["response"]["status_code"]) for line in refused] == [("too-hot", 400)]
    assert done.id in [other.id for other in client.batches.list(limit=1)], "auto-pagination of batches"

    wrong = answered([rows[0], rows[0], {**rows[1], "url": "/v1/completions"}])
    assert wrong.status == "failed" and wrong.output_file_id is None
    assert [(error.line, error.code) for error in wrong.errors.data] == [(2, "duplicate_custom_id"), (3, "invalid_url")]
    cancelled = ended(client.batches.cancel(create_batch(rows).id))
    assert cancelled.status in {"cancelled", "completed"}, cancelled.status
    print(f"batch: {counts.completed} answered, {counts.failed} refused, {done.usage.total_tokens} tokens")


def create_batch(rows):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    uploaded = client.files.create(file=("batch.jsonl", text.encode()), purpose="batch")
    return client.batches.create(
        input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"tour": "python"}
    )


def ended(found):
    while found.status in {"validating", "in_progress", "finalizing", "cancelling"}:
        time.sleep(0.2)
        found = client.batches.retrieve(found.id)
    return found


def answered(rows):
    return ended(create_batch(rows))


def lines(file):
    return [json.loads(line) for line in client.files.content(file).text.splitlines()]


def grade(model):
    """What a reward would be, before a job is made of it; one grader asks the tuned model."""
    graders = client.fine_tuning.alpha.graders
    texts = {"input": "{{sample.output_text}}", "reference": "{{item.reference_answer}}"}
    holds = {"type": "string_check", "name": "holds", "operation": "ilike", **texts}
    assert graders.validate(grader=holds).grader.operation == "ilike"
    near = {"type": "text_similarity", "name": "near", "evaluation_metric": "fuzzy_match", **texts}
    run = graders.run(grader=near, model_sample="Pariz", item={"reference_answer": "Paris"})
    assert abs(run.reward - 0.8) < 1e-6 and run.metadata.name == "near", run
    assert not any(run.metadata.errors.model_dump().values()), run.metadata.errors
    lacking = graders.run(grader=holds, model_sample="Paris", item={})
    assert lacking.reward == 0 and lacking.metadata.errors.invalid_variable_error
    asked = graders.run(
        grader={
            "type": "score_model",
            "name": "asked",
            "model": model,
            "input": [{"role": "user", "content": "{{sample.output_text}}"}],
        },
        model_sample="Who are you?",
    )
    assert asked.metadata.sampled_model_name == model and asked.metadata.token_usage > 0, asked.metadata
    print(f"graders: {run.reward:.2f}, {asked.metadata.token_usage} tokens asked")


def reinforce():
    """OpenAI's reinforcement fine-tuning: the model answers, and a formula over two graders is the reward."""
    prompts = upload("train.jsonl", EXAMPLES / "reinforcement")
    texts = {"input": "{{sample.output_text}}", "reference": "{{item.reference_answer}}"}
    grader = {
        "type": "multi",
        "name": "form",
        "graders": {
            "holds": {"type": "string_check", "name": "holds", "operation": "like", **texts},
            "near": {"type": "text_similarity", "name": "near", "evaluation_metric": "rouge_l", **texts},
        },
        "calculate_output": "0.8 * holds + 0.2 * sqrt(near)",
    }
    numbers = {"n_epochs": 1, "batch_size": 16, "compute_multiplier": 0.5, "eval_interval": 1, "eval_samples": 4}
    checked = client.files.create(file=EXAMPLES / "reinforcement/validation.jsonl", purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model=BASE_MODEL,
        training_file=prompts.id,
        validation_file=checked.id,
        suffix="reinforced",
        seed=7,
        method={"type": "reinforcement", "reinforcement": {"grader": grader, "hyperparameters": numbers}},
        extra_body={"x_training": {"adapter": "lora", "rank": 8, "max_completion_length": 16}},
    )
    shown = job.method.reinforcement
    assert shown.grader.model_dump(exclude_none=True) == grader, shown.grader
    assert shown.hyperparameters.eval_samples == 4 and shown.hyperparameters.reasoning_effort == "default"
    job = follow(job)
    assert job.status == "succeeded", job.error
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=100))
    rewards = [event.data["reward"] for event in events if event.type == "metrics" and "reward" in event.data]
    assert rewards and all(0 <= reward <= 1 for reward in rewards), rewards
    assert any("validation reward=" in event.message for event in events), [event.message for event in events]
    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id))
    assert checkpoints and all(point.fine_tuned_model_checkpoint for point in checkpoints)
    table = client.files.content(job.result_files[0]).text.splitlines()
    assert table[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy", table[0]
    answer = client.chat.completions.create(
        model=job.fine_tuned_model,
        messages=[{"role": "user", "content": "Is 8 greater than 19?"}],
        max_completion_tokens=16,
    )
    assert answer.choices[0].message.content
    print(f"reinforce: reward {rewards[-1]:.3f} → {rewards[0]:.3f}, {len(checkpoints)} checkpoints, {len(table)} lines")


def cancel(job):
    job = follow(job, until=ENDED | {"running"})
    job = follow(client.fine_tuning.jobs.cancel(job.id))
    assert job.status == "cancelled" and job.fine_tuned_model is None


def errors(file, job):
    """Each error is an exception class of its own, with the server's code and the request id."""
    jobs = client.fine_tuning.jobs
    once = {"extra_headers": {"Idempotency-Key": f"tour-{uuid.uuid4()}"}}
    jobs.cancel(jobs.create(model=BASE_MODEL, training_file=file.id, **once).id)
    expect(openai.AuthenticationError, "invalid_api_key", openai.OpenAI(api_key="tsk_live_wrong").models.list)
    expect(openai.NotFoundError, "not_found", lambda: jobs.retrieve("ftjob-" + "0" * 32))
    expect(openai.NotFoundError, "model_not_found", lambda: client.models.retrieve("nothing"))
    expect(
        openai.NotFoundError,
        "model_not_found",
        lambda: client.chat.completions.create(model="nothing", messages=QUESTION),
    )
    expect(openai.PermissionDeniedError, "permission_denied", lambda: client.models.delete(BASE_MODEL))
    expect(openai.BadRequestError, "job_terminal", lambda: jobs.cancel(job.id))
    expect(openai.NotFoundError, "not_found", lambda: client.batches.retrieve("batch_" + "0" * 32))
    ungraded = {"type": "string_check", "name": "x", "operation": "equals", "input": "a", "reference": "b"}
    expect(openai.BadRequestError, "invalid_value", lambda: client.fine_tuning.alpha.graders.validate(grader=ungraded))
    refused = expect(
        openai.BadRequestError,
        "unknown_parameter",
        lambda: jobs.create(
            model=BASE_MODEL, training_file=file.id, extra_body={"x_training": {"rnak": 8, "adapter": "lora"}}
        ),
    )
    assert "rank" in refused.message, refused.message
    expect(
        openai.UnprocessableEntityError,
        "idempotency_mismatch",
        lambda: jobs.create(model=BASE_MODEL, training_file=file.id, suffix="other", **once),
    )
    too_long = expect(
        openai.APIStatusError,
        "body_too_large",
        lambda: jobs.create(model=BASE_MODEL, training_file=file.id, metadata={"x": "y" * 2_000_000}),
    )
    assert too_long.status_code == 413
    retried_errors(file)


def retried_errors(file):
    """The SDK waits as long as the server says and tries again; without retries its user sees the errors."""
    impatient = client.with_options(max_retries=0)

    def ask_for_too_much():
        try:
            impatient.chat.completions.create(model="nothing", messages=QUESTION, max_completion_tokens=10**9)
        except openai.NotFoundError:
            pass  # the model is not there, and yet the tokens of this minute are used up

    expect(openai.RateLimitError, "rate_limit_exceeded", lambda: [ask_for_too_much() for _ in range(2)])
    busy = os.environ.get("TOUR_BUSY_KEY")  # an idempotency key whose first request still runs, if there is one
    if busy:
        expect(
            openai.ConflictError,
            "idempotency_in_flight",
            lambda: impatient.fine_tuning.jobs.create(
                model=BASE_MODEL, training_file=file.id, extra_headers={"Idempotency-Key": busy}
            ),
        )


def expect(kind, code, call):
    try:
        call()
    except kind as error:
        assert error.code == code, (error.code, code)
        assert error.request_id
        print(f"error: {error.status_code} {kind.__name__} {error.code}")
        return error
    raise AssertionError(f"expected {kind.__name__} {code}")


if __name__ == "__main__":
    main()
