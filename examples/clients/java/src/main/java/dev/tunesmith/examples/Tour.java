package dev.tunesmith.examples;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonNumber;
import com.openai.core.JsonObject;
import com.openai.core.JsonValue;
import com.openai.core.http.HttpResponse;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.PermissionDeniedException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.errors.UnexpectedStatusCodeException;
import com.openai.errors.UnprocessableEntityException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.files.FileCreateParams;
import com.openai.models.files.FileListParams;
import com.openai.models.files.FileObject;
import com.openai.models.files.FilePurpose;
import com.openai.models.finetuning.jobs.FineTuningJob;
import com.openai.models.finetuning.jobs.FineTuningJobEvent;
import com.openai.models.finetuning.jobs.JobCreateParams;
import com.openai.models.finetuning.jobs.JobListEventsParams;
import com.openai.models.finetuning.jobs.JobListParams;
import com.openai.models.finetuning.jobs.checkpoints.CheckpointListParams;
import com.openai.models.finetuning.methods.ReinforcementHyperparameters;
import com.openai.models.finetuning.methods.ReinforcementMethod;
import com.openai.models.graders.gradermodels.TextSimilarityGrader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// The whole way with the official Java SDK, unchanged: upload, train, follow, chat, cancel,
/// errors.
///
/// ```
/// OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=tsk_… \
///   java -cp "examples/clients/java/target/classes:$(cat examples/clients/java/target/classpath)" dev.tunesmith.examples.Tour
/// ```
///
/// The server is the one that `./tunesmith up` started; it must know the model "nano": `./tunesmith
/// models import examples/nano/model --name nano --base`.
public final class Tour {
    private static final String BASE_MODEL = "nano";
    private static final String QUESTION = "Who are you?";
    private static final Set<FineTuningJob.Status.Known> ENDED =
            EnumSet.of(
                    FineTuningJob.Status.Known.SUCCEEDED,
                    FineTuningJob.Status.Known.FAILED,
                    FineTuningJob.Status.Known.CANCELLED);

    private final OpenAIClient client;
    private final Path data;

    private Tour(OpenAIClient client, Path data) {
        this.client = client;
        this.data = data;
    }

    /// Runs the tour once.
    ///
    /// @param arguments the folder with the training data, `examples/quickstart` when absent
    public static void main(String[] arguments) throws IOException, InterruptedException {
        // Address and key come from OPENAI_BASE_URL and OPENAI_API_KEY. With response validation
        // the
        // SDK insists on every key that the API's description calls required.
        OpenAIClient client =
                OpenAIOkHttpClient.builder().fromEnv().responseValidation(true).build();
        String data = arguments.length > 0 ? arguments[0] : "examples/quickstart";
        new Tour(client, Path.of(data)).run();
        client.close();
        say("tour: done");
    }

    private void run() throws IOException, InterruptedException {
        FileObject training = upload(data.resolve("train.jsonl"));
        FileObject validation = upload(data.resolve("validation.jsonl"));
        FineTuningJob job = follow(supervise(training, validation, 2, "java"), ENDED);
        check(job.status().equals(FineTuningJob.Status.SUCCEEDED), "status " + job.status());
        showHistory(job);
        chat(job.fineTunedModel().orElseThrow(), QUESTION);
        reinforce();
        cancel(supervise(training, validation, 50, "never"));
        showErrors(training, job);
        check(client.files().delete(validation.id()).deleted(), "deleted");
    }

    @SuppressWarnings("deprecation") // The status of a file is deprecated and still required.
    private FileObject upload(Path rows) throws IOException {
        FileObject file =
                client.files()
                        .create(
                                FileCreateParams.builder()
                                        .purpose(FilePurpose.FINE_TUNE)
                                        .file(rows)
                                        .build());
        check(file.status().equals(FileObject.Status.PROCESSED), "status " + file.status());
        try (HttpResponse content = client.files().content(file.id())) {
            check(
                    Arrays.equals(content.body().readAllBytes(), Files.readAllBytes(rows)),
                    "the same bytes");
        }
        check(
                client.files().list(FileListParams.builder().limit(1).build()).autoPager().stream()
                        .anyMatch(other -> other.id().equals(file.id())),
                "the file in the list");
        say("upload: %s %s %d bytes".formatted(file.id(), file.filename(), file.bytes()));
        return file;
    }

    private FineTuningJob supervise(
            FileObject training, FileObject validation, int epochs, String suffix) {
        return create(
                body(training)
                        .validationFile(validation.id())
                        .suffix(suffix)
                        .method(supervised(epochs)),
                Map.of("learning_rate", 0.0015, "max_seq_len", 256));
    }

    /// LoRA is an extension: it travels in `x_training`, which the SDK passes on as it is.
    private FineTuningJob create(JobCreateParams.Builder body, Map<String, ?> besides) {
        var training = new HashMap<String, Object>(besides);
        training.putAll(Map.of("adapter", "lora", "rank", 8));
        FineTuningJob job =
                client.fineTuning()
                        .jobs()
                        .create(
                                body.seed(7)
                                        .putAdditionalBodyProperty(
                                                "x_training", JsonValue.from(training))
                                        .putAdditionalHeader("Idempotency-Key", onceKey())
                                        .build());
        say("job: %s %s".formatted(job.id(), job.status()));
        return job;
    }

    private static JobCreateParams.Builder body(FileObject training) {
        return JobCreateParams.builder().model(BASE_MODEL).trainingFile(training.id());
    }

    private static JobCreateParams.Method supervised(int epochs) {
        return JobCreateParams.Method.builder()
                .type(JobCreateParams.Method.Type.SUPERVISED)
                .putAdditionalProperty(
                        "supervised",
                        JsonValue.from(
                                Map.of(
                                        "hyperparameters",
                                        Map.of("n_epochs", epochs, "batch_size", 8))))
                .build();
    }

    private FineTuningJob follow(FineTuningJob start, Set<FineTuningJob.Status.Known> until)
            throws InterruptedException {
        FineTuningJob job = start;
        FineTuningJob.Status seen = job.status();
        while (!until.contains(job.status().known())) {
            TimeUnit.MILLISECONDS.sleep(300);
            job = client.fineTuning().jobs().retrieve(job.id());
            if (!job.status().equals(seen)) {
                seen = job.status();
                say("job: %s %s".formatted(job.id(), seen));
            }
        }
        return job;
    }

    private void showHistory(FineTuningJob job) {
        check(
                client
                        .fineTuning()
                        .jobs()
                        .list(JobListParams.builder().limit(1).build())
                        .autoPager()
                        .stream()
                        .anyMatch(other -> other.id().equals(job.id())),
                "the job in the list");
        List<FineTuningJobEvent> events = events(job);
        check(
                events.stream().map(FineTuningJobEvent::id).distinct().count() == events.size()
                        && events.size() > 3,
                "each event once");
        say("events: %d, the last: %s".formatted(events.size(), events.getFirst().message()));
        client.fineTuning()
                .jobs()
                .checkpoints()
                .list(job.id(), CheckpointListParams.builder().limit(1).build())
                .autoPager()
                .forEach(checkpoint ->
                        say(
                                "checkpoint: step %d, %s"
                                        .formatted(
                                                checkpoint.stepNumber(),
                                                checkpoint.fineTunedModelCheckpoint())));
        String tuned = job.fineTunedModel().orElseThrow();
        check(client.models().retrieve(tuned).id().equals(tuned), "the model by its name");
        check(
                client.models().list().autoPager().stream()
                        .anyMatch(model -> model.id().equals(tuned)),
                "the model in the list");
    }

    /// Asks for page after page, until one is empty.
    private List<FineTuningJobEvent> events(FineTuningJob job) {
        return client
                .fineTuning()
                .jobs()
                .listEvents(job.id(), JobListEventsParams.builder().limit(3).build())
                .autoPager()
                .stream()
                .toList();
    }

    /// OpenAI's reinforcement fine-tuning: the model answers, and its reward is how near it comes
    /// to the answer that was wanted.
    private void reinforce() throws IOException, InterruptedException {
        Path prompts = data.resolveSibling("reinforcement");
        TextSimilarityGrader near =
                TextSimilarityGrader.builder()
                        .name("near")
                        .input("{{sample.output_text}}")
                        .reference("{{item.reference_answer}}")
                        .evaluationMetric(TextSimilarityGrader.EvaluationMetric.ROUGE_L)
                        .build();
        FineTuningJob job =
                create(
                        body(upload(prompts.resolve("train.jsonl")))
                                .validationFile(upload(prompts.resolve("validation.jsonl")).id())
                                .suffix("reinforced")
                                .method(rewarded(near)),
                        Map.of("max_completion_length", 16));
        ReinforcementMethod shown = job.method().orElseThrow().reinforcement().orElseThrow();
        check(shown.grader().asTextSimilarity().equals(near), "the grader as it was sent");
        job = follow(job, ENDED);
        check(job.status().equals(FineTuningJob.Status.SUCCEEDED), "status " + job.status());
        List<Double> rewards = events(job).stream().flatMap(Tour::reward).toList();
        check(
                !rewards.isEmpty() && rewards.stream().allMatch(reward -> reward <= 1),
                "rewards up to 1, found " + rewards);
        chat(job.fineTunedModel().orElseThrow(), "Is 8 greater than 19?");
        say("reinforce: reward %.3f → %.3f".formatted(rewards.getLast(), rewards.getFirst()));
    }

    private static JobCreateParams.Method rewarded(TextSimilarityGrader grader) {
        ReinforcementHyperparameters numbers =
                ReinforcementHyperparameters.builder()
                        .nEpochs(1)
                        .batchSize(16)
                        .computeMultiplier(0.5)
                        .evalInterval(1)
                        .evalSamples(4)
                        .build();
        return JobCreateParams.Method.builder()
                .type(JobCreateParams.Method.Type.REINFORCEMENT)
                .reinforcement(
                        ReinforcementMethod.builder()
                                .grader(grader)
                                .hyperparameters(numbers)
                                .build())
                .build();
    }

    private static Stream<Double> reward(FineTuningJobEvent event) {
        return event._data() instanceof JsonObject data
                        && data.values().get("reward") instanceof JsonNumber reward
                ? Stream.of(reward.value().doubleValue())
                : Stream.empty();
    }

    private void chat(String model, String asked) {
        ChatCompletionCreateParams question =
                ChatCompletionCreateParams.builder()
                        .model(model)
                        .addUserMessage(asked)
                        .temperature(0)
                        .maxCompletionTokens(48)
                        .build();
        ChatCompletion whole = client.chat().completions().create(question);
        String text = whole.choices().getFirst().message().content().orElseThrow();
        ChatCompletionAccumulator streamed = ChatCompletionAccumulator.create();
        long chunks;
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(question)) {
            chunks = stream.stream().peek(streamed::accumulate).count();
        }
        check(
                streamed.chatCompletion()
                        .choices()
                        .getFirst()
                        .message()
                        .content()
                        .orElseThrow()
                        .equals(text),
                "the streamed answer");
        say("chat: \"%s\" (%d chunks)".formatted(text, chunks));
    }

    private void cancel(FineTuningJob job) throws InterruptedException {
        Set<FineTuningJob.Status.Known> begun = EnumSet.copyOf(ENDED);
        begun.add(FineTuningJob.Status.Known.RUNNING);
        follow(job, begun);
        FineTuningJob ended = follow(client.fineTuning().jobs().cancel(job.id()), ENDED);
        check(ended.status().equals(FineTuningJob.Status.CANCELLED), "status " + ended.status());
        check(ended.fineTunedModel().isEmpty(), "no model");
    }

    /// Each error is an exception class of its own, with the server's code.
    private void showErrors(FileObject file, FineTuningJob job) {
        var jobs = client.fineTuning().jobs();
        String once = onceKey();
        jobs.cancel(
                jobs.create(body(file).putAdditionalHeader("Idempotency-Key", once).build()).id());
        OpenAIClient stranger = client.withOptions(options -> options.apiKey("tsk_live_wrong"));
        expect(UnauthorizedException.class, "invalid_api_key", () -> stranger.models().list());
        expect(
                NotFoundException.class,
                "not_found",
                () -> jobs.retrieve("ftjob-" + "0".repeat(32)));
        expect(
                NotFoundException.class,
                "model_not_found",
                () -> client.models().retrieve("nothing"));
        expect(
                PermissionDeniedException.class,
                "permission_denied",
                () -> client.models().delete(BASE_MODEL));
        expect(BadRequestException.class, "job_terminal", () -> jobs.cancel(job.id()));
        expect(
                BadRequestException.class,
                "unknown_parameter",
                () ->
                        jobs.create(
                                body(file)
                                        .putAdditionalBodyProperty(
                                                "x_training", JsonValue.from(Map.of("rnak", 8)))
                                        .build()));
        expect(
                UnprocessableEntityException.class,
                "idempotency_mismatch",
                () ->
                        jobs.create(
                                body(file)
                                        .suffix("other")
                                        .putAdditionalHeader("Idempotency-Key", once)
                                        .build()));
        expect(
                UnexpectedStatusCodeException.class,
                "body_too_large",
                () ->
                        jobs.create(
                                body(file)
                                        .putAdditionalBodyProperty(
                                                "x", JsonValue.from("y".repeat(2_000_000)))
                                        .build()));
        showRetriedErrors(file);
    }

    /// The SDK waits as long as the server says and tries again; without retries its user sees the
    /// errors.
    private void showRetriedErrors(FileObject file) {
        OpenAIClient impatient = client.withOptions(options -> options.maxRetries(0));
        ChatCompletionCreateParams tooMuch =
                ChatCompletionCreateParams.builder()
                        .model("nothing")
                        .addUserMessage(QUESTION)
                        .maxCompletionTokens(1_000_000_000)
                        .build();
        expect(
                RateLimitException.class,
                "rate_limit_exceeded",
                () -> {
                    try {
                        impatient.chat().completions().create(tooMuch);
                    } catch (NotFoundException _) {
                        // The model is not there, and yet the tokens of this minute are used up.
                        impatient.chat().completions().create(tooMuch);
                    }
                });
        // An idempotency key whose first request still runs, if there is one.
        Optional.ofNullable(System.getenv("TOUR_BUSY_KEY"))
                .ifPresent(busy ->
                        expect(
                                UnexpectedStatusCodeException.class,
                                "idempotency_in_flight",
                                () ->
                                        impatient
                                                .fineTuning()
                                                .jobs()
                                                .create(
                                                        body(file)
                                                                .putAdditionalHeader(
                                                                        "Idempotency-Key", busy)
                                                                .build())));
    }

    private static void expect(
            Class<? extends OpenAIServiceException> kind, String code, Runnable call) {
        try {
            call.run();
        } catch (OpenAIServiceException error) {
            check(kind.isInstance(error), "a " + kind.getSimpleName() + ", found " + error);
            check(error.code().orElse("").equals(code), "code " + code + ", found " + error);
            check(!error.headers().values("x-request-id").isEmpty(), "a request id");
            say("error: %d %s %s".formatted(error.statusCode(), kind.getSimpleName(), code));
            return;
        }
        throw new IllegalStateException("expected a " + kind.getSimpleName() + " " + code);
    }

    private static String onceKey() {
        return "tour-" + UUID.randomUUID();
    }

    private static void check(boolean holds, String expected) {
        if (!holds) {
            throw new IllegalStateException("expected: " + expected);
        }
    }

    private static void say(String line) {
        System.out.println(line);
    }
}
