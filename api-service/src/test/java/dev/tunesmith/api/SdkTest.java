package dev.tunesmith.api;

import static dev.tunesmith.api.testing.Api.as;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.MultipartField;
import com.openai.core.http.HttpResponse;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.PermissionDeniedException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.batches.Batch;
import com.openai.models.batches.BatchCreateParams;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.files.FileCreateParams;
import com.openai.models.files.FileObject;
import com.openai.models.files.FilePurpose;
import com.openai.models.finetuning.alpha.graders.GraderRunParams;
import com.openai.models.finetuning.alpha.graders.GraderRunResponse;
import com.openai.models.finetuning.jobs.FineTuningJob;
import com.openai.models.finetuning.jobs.FineTuningJobEvent;
import com.openai.models.finetuning.jobs.JobCreateParams;
import com.openai.models.finetuning.jobs.JobListEventsParams;
import com.openai.models.finetuning.methods.DpoHyperparameters;
import com.openai.models.finetuning.methods.DpoMethod;
import com.openai.models.finetuning.methods.ReinforcementHyperparameters;
import com.openai.models.finetuning.methods.ReinforcementMethod;
import com.openai.models.graders.gradermodels.StringCheckGrader;
import com.openai.models.models.Model;
import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import dev.tunesmith.contracts.id.JobId;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.io.ByteArrayInputStream;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The official Java SDK, unchanged, with its response validation on: it reads every required key.
@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class SdkTest {
    private static final byte[] PAIRS =
            """
            {"input":{"messages":[{"role":"user","content":"Hi"}]},\
            "preferred_output":[{"role":"assistant","content":"Hello!"}],\
            "non_preferred_output":[{"role":"assistant","content":"What?"}]}
            """
                    .getBytes(UTF_8);

    private static final byte[] PROMPTS =
            """
            {"messages":[{"role":"user","content":"Where?"}],"reference_answer":"Paris"}
            """
                    .getBytes(UTF_8);

    private static final byte[] REQUESTS =
            """
            {"custom_id":"a","method":"POST","url":"/v1/chat/completions",\
            "body":{"model":"nano","messages":[{"role":"user","content":"Hello"}]}}
            """
                    .getBytes(UTF_8);

    @BeforeEach
    void hasAModel() {
        Rows.baseModel("nano");
    }

    @Test
    @SuppressWarnings("deprecation") // The status of a file is deprecated and still required.
    void uploadsTrainsFollowsAndCancels() {
        OpenAIClient client = client(Api.key("demo"));
        FileObject file = upload(client);
        assertThat(file.status()).isEqualTo(FileObject.Status.PROCESSED);

        FineTuningJob job = client.fineTuning().jobs().create(create(file.id(), "nano"));
        assertThat(job.status()).isEqualTo(FineTuningJob.Status.VALIDATING_FILES);
        assertThat(client.fineTuning().jobs().retrieve(job.id()).id()).isEqualTo(job.id());
        assertThat(client.fineTuning().jobs().list().autoPager().stream().limit(50))
                .extracting(FineTuningJob::id)
                .contains(job.id());
        assertThat(client.fineTuning().jobs().cancel(job.id()).id()).isEqualTo(job.id());
        client.files().delete(upload(client).id()).validate();
    }

    @Test
    void trainsOnPreferences() {
        JobCreateParams.Method method =
                JobCreateParams.Method.builder()
                        .type(JobCreateParams.Method.Type.DPO)
                        .dpo(
                                DpoMethod.builder()
                                        .hyperparameters(
                                                DpoHyperparameters.builder().beta(0.3).build())
                                        .build())
                        .build();

        DpoMethod shown = shown(PAIRS, method).dpo().orElseThrow();

        DpoHyperparameters numbers = shown.hyperparameters().orElseThrow();
        assertThat(numbers.beta().orElseThrow().number()).contains(0.3);
        assertThat(numbers.nEpochs().orElseThrow().isAuto()).isTrue();
    }

    @Test
    void reinforces() {
        StringCheckGrader holds =
                StringCheckGrader.builder()
                        .name("holds")
                        .input("{{sample.output_text}}")
                        .reference("{{item.reference_answer}}")
                        .operation(StringCheckGrader.Operation.ILIKE)
                        .build();
        JobCreateParams.Method method =
                JobCreateParams.Method.builder()
                        .type(JobCreateParams.Method.Type.REINFORCEMENT)
                        .reinforcement(
                                ReinforcementMethod.builder()
                                        .grader(holds)
                                        .hyperparameters(
                                                ReinforcementHyperparameters.builder()
                                                        .evalSamples(4)
                                                        .build())
                                        .build())
                        .build();

        ReinforcementMethod shown = shown(PROMPTS, method).reinforcement().orElseThrow();

        assertThat(shown.grader().asStringCheck()).isEqualTo(holds);
        assertThat(shown.hyperparameters().orElseThrow().evalSamples().orElseThrow().integer())
                .contains(4L);
    }

    /// The method of a job as the answer has it; the job is cancelled.
    private static FineTuningJob.Method shown(byte[] rows, JobCreateParams.Method method) {
        OpenAIClient client = client(Api.key("demo"));
        FineTuningJob job =
                client.fineTuning()
                        .jobs()
                        .create(
                                JobCreateParams.builder()
                                        .model("nano")
                                        .trainingFile(upload(client, rows).id())
                                        .method(method)
                                        .build());
        assertThat(client.fineTuning().jobs().cancel(job.id()).id()).isEqualTo(job.id());
        return job.method().orElseThrow();
    }

    @Test
    void pagesThroughMoreEventsThanFitOnAPage() {
        OpenAIClient client = client(Api.key("demo"));
        FineTuningJob job = client.fineTuning().jobs().create(create(upload(client).id(), "nano"));
        for (int i = 0; i < 5; i++) {
            Rows.message("demo", JobId.parse(job.id()), "event " + i);
        }

        List<FineTuningJobEvent> events =
                client
                        .fineTuning()
                        .jobs()
                        .listEvents(job.id(), JobListEventsParams.builder().limit(2).build())
                        .autoPager()
                        .stream()
                        .toList();

        assertThat(events).extracting(FineTuningJobEvent::message).hasSize(6).contains("event 0");
        assertThat(client.fineTuning().jobs().checkpoints().list(job.id()).items()).isEmpty();
    }

    @Test
    void chatsStreamedAndNot() {
        OpenAIClient client = client(Api.key("demo"));
        ChatCompletionCreateParams question =
                ChatCompletionCreateParams.builder().model("nano").addUserMessage("Hello").build();

        ChatCompletion answer = client.chat().completions().create(question);
        assertThat(answer.choices().getFirst().message().content()).isPresent();
        try (StreamResponse<ChatCompletionChunk> chunks =
                client.chat().completions().createStreaming(question)) {
            assertThat(chunks.stream().toList()).hasSize(3);
        }
    }

    @Test
    void answersABatch() throws InterruptedException {
        OpenAIClient client = client(Api.key("demo"));
        FileObject input = upload(client, REQUESTS, FilePurpose.BATCH);
        Batch batch =
                client.batches()
                        .create(
                                BatchCreateParams.builder()
                                        .inputFileId(input.id())
                                        .endpoint(BatchCreateParams.Endpoint.V1_CHAT_COMPLETIONS)
                                        .completionWindow(BatchCreateParams.CompletionWindow._24H)
                                        .build());
        for (int i = 0; i < 100 && batch.completedAt().isEmpty(); i++) {
            Thread.sleep(100);
            batch = client.batches().retrieve(batch.id());
        }

        assertThat(batch.status()).isEqualTo(Batch.Status.COMPLETED);
        assertThat(batch.requestCounts().orElseThrow().completed()).isEqualTo(1);
        assertThat(batch.usage().orElseThrow().totalTokens()).isEqualTo(2);
        assertThat(client.batches().list().autoPager().stream().limit(10))
                .extracting(Batch::id)
                .contains(batch.id());
        try (HttpResponse answers = client.files().content(batch.outputFileId().orElseThrow())) {
            assertThat(answers.body()).asString(UTF_8).contains("\"custom_id\":\"a\"");
        }
    }

    @Test
    void triesAGraderOut() {
        GraderRunResponse run =
                client(Api.key("demo"))
                        .fineTuning()
                        .alpha()
                        .graders()
                        .run(
                                GraderRunParams.builder()
                                        .grader(
                                                StringCheckGrader.builder()
                                                        .name("holds")
                                                        .input("{{sample.output_text}}")
                                                        .reference("Paris")
                                                        .operation(StringCheckGrader.Operation.EQ)
                                                        .build())
                                        .modelSample("Paris")
                                        .build());

        assertThat(run.reward()).isEqualTo(1);
        assertThat(run.metadata().name()).isEqualTo("holds");
        assertThat(run.metadata().errors().modelGraderServerError()).isFalse();
    }

    @Test
    void listsModels() {
        OpenAIClient client = client(Api.key("demo"));
        assertThat(client.models().list().autoPager()).extracting(Model::id).contains("nano");
        assertThat(client.models().retrieve("nano").ownedBy()).isEqualTo("tunesmith");
    }

    @Test
    void errorsBecomeTheSdksExceptions() {
        OpenAIClient client = client(Api.key("demo"));
        assertThatThrownBy(() -> client(Api.key("unknown")).models().list())
                .isInstanceOf(UnauthorizedException.class);
        assertThatThrownBy(() -> client.models().retrieve("nothing"))
                .isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> client(Api.key("inference")).files().list())
                .isInstanceOf(PermissionDeniedException.class);
        assertThatThrownBy(() ->
                        client.fineTuning().jobs().create(create(upload(client).id(), "nothing")))
                .isInstanceOf(BadRequestException.class)
                .hasMessageContaining("nothing");
        assertThat(as("demo").get("/v1/models/nothing").<String>path("error.code"))
                .isEqualTo("model_not_found");
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl("http://127.0.0.1:%d/v1".formatted(RestAssured.port))
                .apiKey(key)
                .maxRetries(0)
                .responseValidation(true)
                .build();
    }

    private static FileObject upload(OpenAIClient client) {
        return upload(client, Rows.CHAT);
    }

    private static FileObject upload(OpenAIClient client, byte[] rows) {
        return upload(client, rows, FilePurpose.FINE_TUNE);
    }

    private static FileObject upload(OpenAIClient client, byte[] rows, FilePurpose purpose) {
        return client.files()
                .create(
                        FileCreateParams.builder()
                                .purpose(purpose)
                                .file(
                                        MultipartField.<java.io.InputStream>builder()
                                                .value(new ByteArrayInputStream(rows))
                                                .filename("train.jsonl")
                                                .build())
                                .build());
    }

    private static JobCreateParams create(String file, String model) {
        return JobCreateParams.builder().model(model).trainingFile(file).build();
    }
}
