// The whole way with the official Node SDK, unchanged: upload, train, follow, chat, cancel, errors.
//
//     npm ci
//     OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=tsk_… node tour.js
//
// The server is the one that `./tunesmith up` started; it must know the model "nano":
// `./tunesmith models import examples/nano/model --name nano --base`.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';

const BASE_MODEL = 'nano';
const DATA = new URL('../../quickstart/', import.meta.url);
const PROMPTS = new URL('../../reinforcement/', import.meta.url);
const QUESTION = [{ role: 'user', content: 'Who are you?' }];
const ENDED = ['succeeded', 'failed', 'cancelled'];

// Address and key come from OPENAI_BASE_URL and OPENAI_API_KEY.
const client = new OpenAI();

async function main() {
  const files = [await upload('train.jsonl'), await upload('validation.jsonl')];
  const job = await follow(await create(files, 2, 'node'));
  assert.equal(job.status, 'succeeded', job.error?.message);
  await showHistory(job);
  await chat(job.fine_tuned_model);
  await reinforce();
  await cancel(await create(files, 50, 'never'));
  await errors(files[0], job);
  await client.files.delete(files[1].id);
  console.log('tour: done');
}

async function upload(name, folder = DATA) {
  const uploaded = await client.files.create({ file: createReadStream(new URL(name, folder)), purpose: 'fine-tune' });
  const ready = await client.files.waitForProcessing(uploaded.id, { pollInterval: 200 });
  assert.equal(ready.status, 'processed', ready.status_details);
  const content = Buffer.from(await (await client.files.content(ready.id)).arrayBuffer());
  assert.deepEqual(content, await readFile(new URL(name, folder)));
  assert((await all(client.files.list({ limit: 1 }))).some((file) => file.id === ready.id));
  console.log(`upload: ${ready.id} ${ready.filename} ${ready.bytes} bytes`);
  return ready;
}

/** LoRA is an extension: it travels in `x_training`, which the SDK passes on as it is. */
async function create(files, epochs, suffix) {
  const job = await client.fineTuning.jobs.create(
    {
      model: BASE_MODEL,
      training_file: files[0].id,
      validation_file: files[1].id,
      suffix,
      seed: 7,
      metadata: { tour: 'node' },
      method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: epochs, batch_size: 8 } } },
      x_training: { adapter: 'lora', rank: 8, learning_rate: 0.0015, max_seq_len: 256 },
    },
    { headers: { 'Idempotency-Key': `tour-${randomUUID()}` } },
  );
  console.log(`job: ${job.id} ${job.status}`);
  return job;
}

async function follow(job, until = ENDED) {
  let seen = job.status;
  while (!until.includes(job.status)) {
    await sleep(300);
    job = await client.fineTuning.jobs.retrieve(job.id);
    if (job.status !== seen) {
      seen = job.status;
      console.log(`job: ${job.id} ${job.status}`);
    }
  }
  return job;
}

async function showHistory(job) {
  assert((await all(client.fineTuning.jobs.list({ limit: 1 }))).some((other) => other.id === job.id));
  const events = await all(client.fineTuning.jobs.listEvents(job.id, { limit: 3 })); // asks for page after page
  assert(events.length > 3 && new Set(events.map((event) => event.id)).size === events.length);
  const losses = events.filter((event) => event.data?.train_loss !== undefined).map((event) => event.data.train_loss);
  console.log(`events: ${events.length}, loss ${losses.at(-1).toFixed(3)} → ${losses[0].toFixed(3)}`);
  for await (const checkpoint of client.fineTuning.jobs.checkpoints.list(job.id, { limit: 1 })) {
    console.log(`checkpoint: step ${checkpoint.step_number}, ${checkpoint.fine_tuned_model_checkpoint}`);
  }
  assert.equal((await client.models.retrieve(job.fine_tuned_model)).id, job.fine_tuned_model);
  assert((await all(client.models.list())).some((model) => model.id === job.fine_tuned_model));
}

async function chat(model) {
  const question = { model, messages: QUESTION, temperature: 0, max_completion_tokens: 48 };
  const whole = await client.chat.completions.create(question);
  const text = whole.choices[0].message.content;
  let streamed = '';
  let chunks = 0;
  let usage;
  for await (const chunk of await client.chat.completions.create({
    ...question,
    stream: true,
    stream_options: { include_usage: true },
  })) {
    streamed += chunk.choices[0]?.delta.content ?? '';
    chunks += 1;
    usage = chunk.usage ?? usage;
  }
  assert.equal(streamed, text);
  assert.deepEqual(usage, whole.usage);
  console.log(`chat: ${JSON.stringify(text)} (${usage.completion_tokens} tokens, ${chunks} chunks)`);

  // The helper joins the chunks itself and checks their order.
  const joined = await client.chat.completions.stream(question).finalContent();
  assert.equal(joined, text);
}

/** OpenAI's reinforcement fine-tuning: the model answers, and a formula over two graders is the reward. */
async function reinforce() {
  const files = [await upload('train.jsonl', PROMPTS), await upload('validation.jsonl', PROMPTS)];
  const texts = { input: '{{sample.output_text}}', reference: '{{item.reference_answer}}' };
  const grader = {
    type: 'multi',
    name: 'form',
    graders: {
      holds: { type: 'string_check', name: 'holds', operation: 'like', ...texts },
      near: { type: 'text_similarity', name: 'near', evaluation_metric: 'rouge_l', ...texts },
    },
    calculate_output: '0.8 * holds + 0.2 * sqrt(near)',
  };
  const numbers = { n_epochs: 1, batch_size: 16, compute_multiplier: 0.5, eval_interval: 1, eval_samples: 4 };
  let job = await client.fineTuning.jobs.create({
    model: BASE_MODEL,
    training_file: files[0].id,
    validation_file: files[1].id,
    suffix: 'reinforced',
    seed: 7,
    method: { type: 'reinforcement', reinforcement: { grader, hyperparameters: numbers } },
    x_training: { adapter: 'lora', rank: 8, max_completion_length: 16 },
  });
  assert.deepEqual(job.method.reinforcement.grader, grader);
  assert.equal(job.method.reinforcement.hyperparameters.eval_samples, 4);
  job = await follow(job);
  assert.equal(job.status, 'succeeded', job.error?.message);
  const events = await all(client.fineTuning.jobs.listEvents(job.id, { limit: 100 }));
  const rewards = events.filter((event) => event.data?.reward !== undefined).map((event) => event.data.reward);
  assert(rewards.length > 0 && rewards.every((reward) => reward >= 0 && reward <= 1));
  assert(events.some((event) => event.message.includes('validation reward=')));
  const checkpoints = await all(client.fineTuning.jobs.checkpoints.list(job.id));
  assert(checkpoints.length > 0);
  const table = (await (await client.files.content(job.result_files[0])).text()).trim().split('\n');
  assert.equal(table[0], 'step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy');
  const answer = await client.chat.completions.create({
    model: job.fine_tuned_model,
    messages: [{ role: 'user', content: 'Is 8 greater than 19?' }],
    max_completion_tokens: 16,
  });
  assert(answer.choices[0].message.content);
  console.log(`reinforce: reward ${rewards.at(-1)} → ${rewards[0]}, ${checkpoints.length} checkpoints`);
}

async function cancel(job) {
  job = await follow(job, [...ENDED, 'running']);
  job = await follow(await client.fineTuning.jobs.cancel(job.id));
  assert.equal(job.status, 'cancelled');
  assert.equal(job.fine_tuned_model, null);
}

/** Each error is an exception class of its own, with the server's code and the request id. */
async function errors(file, job) {
  const jobs = client.fineTuning.jobs;
  const body = { model: BASE_MODEL, training_file: file.id };
  const once = { headers: { 'Idempotency-Key': `tour-${randomUUID()}` } };
  await jobs.cancel((await jobs.create(body, once)).id);
  await expect(OpenAI.AuthenticationError, 'invalid_api_key', new OpenAI({ apiKey: 'tsk_live_wrong' }).models.list());
  await expect(OpenAI.NotFoundError, 'not_found', jobs.retrieve(`ftjob-${'0'.repeat(32)}`));
  await expect(OpenAI.NotFoundError, 'model_not_found', client.models.retrieve('nothing'));
  await expect(
    OpenAI.NotFoundError,
    'model_not_found',
    client.chat.completions.create({ model: 'nothing', messages: QUESTION }),
  );
  await expect(OpenAI.PermissionDeniedError, 'permission_denied', client.models.delete(BASE_MODEL));
  await expect(OpenAI.BadRequestError, 'job_terminal', jobs.cancel(job.id));
  const refused = await expect(
    OpenAI.BadRequestError,
    'unknown_parameter',
    jobs.create({ ...body, x_training: { rnak: 8, adapter: 'lora' } }),
  );
  assert.match(refused.message, /rank/);
  await expect(OpenAI.UnprocessableEntityError, 'idempotency_mismatch', jobs.create({ ...body, suffix: 'other' }, once));
  const tooLong = await expect(
    OpenAI.APIError,
    'body_too_large',
    jobs.create({ ...body, metadata: { x: 'y'.repeat(2_000_000) } }),
  );
  assert.equal(tooLong.status, 413);
  await retriedErrors(body);
}

/** The SDK waits as long as the server says and tries again; without retries its user sees the errors. */
async function retriedErrors(body) {
  const impatient = client.withOptions({ maxRetries: 0 });
  // The model is not there, and yet the tokens of this minute are used up.
  const askForTooMuch = () =>
    impatient.chat.completions.create({ model: 'nothing', messages: QUESTION, max_completion_tokens: 1e9 });
  await askForTooMuch().catch(() => {});
  await expect(OpenAI.RateLimitError, 'rate_limit_exceeded', askForTooMuch());
  const busy = process.env.TOUR_BUSY_KEY; // an idempotency key whose first request still runs, if there is one
  if (busy) {
    const again = impatient.fineTuning.jobs.create(body, { headers: { 'Idempotency-Key': busy } });
    await expect(OpenAI.ConflictError, 'idempotency_in_flight', again);
  }
}

async function expect(kind, code, call) {
  const error = await Promise.resolve(call).then(
    () => assert.fail(`expected ${kind.name} ${code}`),
    (refusal) => refusal,
  );
  assert(error instanceof kind, error);
  assert.equal(error.code, code);
  assert(error.requestID);
  console.log(`error: ${error.status} ${kind.name} ${error.code}`);
  return error;
}

async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

await main();
