package dev.tunesmith.contracts.job;

import static dev.tunesmith.contracts.job.Bodies.BROKEN;
import static dev.tunesmith.contracts.job.Bodies.CHECKING;
import static dev.tunesmith.contracts.job.Bodies.OTHER;
import static dev.tunesmith.contracts.job.Bodies.READY;
import static dev.tunesmith.contracts.job.Bodies.check;
import static dev.tunesmith.contracts.job.Bodies.checkBody;
import static dev.tunesmith.contracts.job.Bodies.problem;
import static dev.tunesmith.contracts.job.Bodies.problemOfTraining;
import static dev.tunesmith.contracts.job.Bodies.problems;
import static dev.tunesmith.contracts.job.Bodies.spec;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class JobRulesTest {
    @Test
    void acceptsTheLeastThatNamesAJob() {
        JobSpec spec = spec("");
        assertThat(spec.specVersion()).isEqualTo(1);
        assertThat(spec.kind()).isEqualTo(JobKind.TRAIN);
        assertThat(spec.method()).isEqualTo(Method.SUPERVISED);
        assertThat(spec.model()).isEqualTo("nano");
        assertThat(spec.trainingFile()).isEqualTo(READY);
        assertThat(spec.hyperparameters()).isEqualTo(Hyperparameters.AUTO);
        assertThat(spec.training()).isEqualTo(TrainingOptions.NOTHING);
        assertThat(spec.labels()).isEqualTo(JobSpec.Labels.NONE);
        assertThat(spec.scheduling()).isEqualTo(JobSpec.Scheduling.NORMAL);
    }

    @Test
    void readsEveryKeyOfTraining() {
        JobSpec spec =
                spec(
                        """
                        "seed": 7, "validation_file": "%s",
                        "x_training": {"adapter":"lora","rank":8,"alpha":16,"dropout":0.1,
                          "target_modules":["q_proj","v_proj"],"use_rslora":true,"export":"merged",
                          "target_modules":["q_proj","v_proj"],"use_rslora":true,
                          "quantization":"nf4","double_quantization":false,
                          "max_seq_len":512,"packing":true,"overflow":"error",
                          "train_on_prompt":true,"learning_rate":1e-4,"scheduler":"linear",
                          "warmup_ratio":0.1,"weight_decay":0.01,"max_grad_norm":0.5,
                          "adam_beta1":0.8,"adam_beta2":0.95,"adam_epsilon":1e-6,
                          "logging_steps":2,"save_steps":3,"eval_steps":0,"max_steps":50,
                          "precision":"fp32","micro_batch":4,"gradient_checkpointing":false,
                          "client_job_id":"c1"}
                        """
                                .formatted(CHECKING.wire()));
        assertThat(spec.seed()).isEqualTo(7);
        assertThat(spec.validationFile()).isEqualTo(CHECKING);
        assertThat(spec.labels().clientJobId()).isEqualTo("c1");
        assertThat(spec.training())
                .isEqualTo(
                        new TrainingOptions(
                                new TrainingOptions.Adapter(
                                        AdapterKind.LORA,
                                        8,
                                        16.0,
                                        0.1,
                                        List.of("q_proj", "v_proj"),
                                        true,
                                        AdapterSpec.Export.MERGED,
                                        Quantization.NF4,
                                        false,
                                        null,
                                        null),
                                new TrainingOptions.Rows(512, true, Overflow.ERROR, true, null),
                                new TrainingOptions.Optimizer(
                                        1e-4,
                                        Curve.LINEAR,
                                        0.1,
                                        null,
                                        0.01,
                                        0.5,
                                        new TrainingOptions.Adam(0.8, 0.95, 1e-6),
                                        null),
                                new TrainingOptions.Cadence(2, 3, 0, 50),
                                new TrainingOptions.Compute(
                                        Precision.FP32, 4, null, Recompute.NONE)));
    }

    @Test
    void reportsEverythingThatIsWrongAtOnce() {
        List<Problem> problems =
                problems(
                        checkBody(
                                """
                                {"model":"qwen2-05b","training_file":"file-nope","seed":-1,
                                 "suffix":"a:b","unheard":1,"status":"running",
                                 "method":{"type":"pretrian"},
                                 "x_training":{"rank":0,"learning_rate":-1e-4,"lr":1,"alhpa":2}}
                                """));
        assertThat(problems)
                .extracting(Problem::param)
                .containsExactlyInAnyOrder(
                        "model",
                        "training_file",
                        "seed",
                        "suffix",
                        "unheard",
                        "status",
                        "method.type",
                        "x_training.rank",
                        "x_training.learning_rate",
                        "x_training.lr",
                        "x_training.alhpa");
    }

    @Test
    void namesNearModelsForAnUnknownOne() {
        List<Problem> problems =
                problems(
                        checkBody(
                                "{\"model\":\"qwen2-05b\",\"training_file\":\"%s\"}"
                                        .formatted(READY.wire())));
        assertThat(problems.getFirst().code()).isEqualTo(ProblemCode.MODEL_NOT_FOUND);
        assertThat(problems.getFirst().suggestion()).isEqualTo("qwen2-0.5b");
    }

    @Test
    void namesMissingKeys() {
        assertThat(problems(checkBody("{}")))
                .extracting(Problem::code, Problem::param)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(
                                ProblemCode.MISSING_REQUIRED_PARAMETER, "model"),
                        org.assertj.core.groups.Tuple.tuple(
                                ProblemCode.MISSING_REQUIRED_PARAMETER, "training_file"));
        assertThat(problem("\"method\":{}").param()).isEqualTo("method.type");
    }

    @Test
    void tellsTheStatesOfFilesApart() {
        assertThat(problem("\"validation_file\":\"%s\"".formatted(BROKEN.wire())).code())
                .isEqualTo(ProblemCode.INVALID_TRAINING_FILE);
        assertThat(problem("\"validation_file\":\"%s\"".formatted(OTHER.wire())).message())
                .contains("purpose fine-tune");
        assertThat(problem("\"validation_file\":\"file-1\"").code())
                .isEqualTo(ProblemCode.FILE_NOT_FOUND);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "'rank':0|whole number from 1 to 4096, found 0",
                "'rank':4097|found 4097",
                "'rank':1.5|found 1.5",
                "'rank':true|found true",
                "'rank':'8'|found \"8\"",
                "'alpha':0|above 0",
                "'dropout':1|below 1",
                "'dropout':-0.1|at least 0",
                "'learning_rate':0|above 0",
                "'learning_rate':-1e-4|above 0",
                "'learning_rate':'1e-4'|found \"1e-4\"",
                "'max_seq_len':7|from 8",
                "'packing':'yes'|true or false",
                "'overflow':'cut'|truncate, error, drop",
                "'scheduler':'cosin'|constant, linear, cosine",
                "'scheduler':{'type':'cosine','cycles':2}|is not used by cosine, which uses no numbers",
                "'scheduler':{'type':'polynomial','cycles':2}|which uses power, min_ratio",
                "'scheduler':{'type':'warmup_stable_decay','decay':'sqrt'}|linear, cosine, 1-sqrt",
                "'scheduler':{'cycles':2}|is missing",
                "'scheduler':{'type':'polynomial','power':0}|above 0",
                "'precision':'fp16'|bf16, fp32",
                "'adapter':'glora'|spectrum, lora, qlora",
                "'warmup_ratio':1.1|at most 1",
                "'warmup_steps':-1|from 0",
                "'weight_decay':-1|at least 0",
                "'max_grad_norm':-1|at least 0",
                "'adam_beta1':1|below 1",
                "'adam_epsilon':0|above 0",
                "'logging_steps':0|from 1",
                "'save_steps':0|from 1",
                "'eval_steps':-1|from 0",
                "'max_steps':0|from 1",
                "'micro_batch':0|from 1",
                "'gradient_accumulation_steps':0|from 1",
                "'val_size':0|above 0",
                "'val_size':1|below 1",
                "'target_modules':[]|a list of 1 to 64",
                "'target_modules':'all-linear'|a list of",
                "'target_modules':['q_porj']|did you mean q_proj",
                "'target_modules':['a b']|no module name",
                "'client_job_id':''|1 to 128",
                "'dry_run':1|true or false"
            })
    void refusesImpossibleValues(String key, String message) {
        Problem problem = problemOfTraining(key.replace('\'', '"'));
        assertThat(problem.code()).isEqualTo(ProblemCode.INVALID_VALUE);
        assertThat(problem.message()).contains(message);
    }

    @ParameterizedTest
    @CsvSource({
        "lr,learning_rate",
        "cutoff_len,max_seq_len",
        "lora_rank,rank",
        "rnak,rank",
        "max_seq_length,max_seq_len"
    })
    void suggestsTheRightNameOfAnUnknownKey(String key, String name) {
        Problem problem = problemOfTraining("\"%s\":1".formatted(key));
        assertThat(problem.code()).isEqualTo(ProblemCode.UNKNOWN_PARAMETER);
        assertThat(problem.param()).isEqualTo("x_training." + key);
        assertThat(problem.suggestion()).isEqualTo(name);
    }

    /// Our codes are made of the weights alone. Whoever offers calibration makes this a test that
    /// it reads the rows of the job, leaves short ones out and notes its seed.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "calibration_dataset",
                "calibration_samples",
                "calib_size",
                "quantization_dataset",
                "export_quantization_dataset"
            })
    void calibrationIsNotOffered(String key) {
        Problem problem = problemOfTraining("\"%s\":1".formatted(key));
        assertThat(problem.code()).isEqualTo(ProblemCode.UNKNOWN_PARAMETER);
        assertThat(problem.param()).isEqualTo("x_training." + key);
    }

    @Test
    void readsASchedulerWithItsNumbers() throws Exception {
        JobSpec spec =
                spec(
                        "\"x_training\":{\"scheduler\":{\"type\":\"cosine_with_restarts\",\"cycles\":3}}");
        Curve curve = spec.training().optimizer().curve();
        assertThat(curve)
                .isEqualTo(Curve.of(Map.of("type", "cosine_with_restarts", "cycles", 3)))
                .isNotEqualTo(Curve.usual(Curve.Kind.COSINE_WITH_RESTARTS));
        String json = TestingJson.MAPPER.writeValueAsString(spec);
        assertThat(json).contains("\"type\":\"cosine_with_restarts\",\"cycles\":3");
        assertThat(TestingJson.MAPPER.readValue(json, JobSpec.class)).isEqualTo(spec);
    }

    @ParameterizedTest
    @EnumSource(OptimizerKind.class)
    void readsEveryOptimizerByNameAndWithItsSettings(OptimizerKind kind) throws Exception {
        var settings = new LinkedHashMap<String, Object>();
        settings.put("type", kind.wire());
        kind.settings().forEach(setting -> settings.put(setting.key(), setting.usual()));
        String adapter = kind.takesAdapters() ? "lora" : "none";
        for (Object form : List.of(kind.wire(), settings)) {
            String json = TestingJson.MAPPER.writeValueAsString(form);
            JobSpec spec =
                    spec(
                            "\"x_training\":{\"adapter\":\"%s\",\"optimizer\":%s}"
                                    .formatted(adapter, json));
            TrainingOptions.Form asked = Objects.requireNonNull(spec.training().optimizer().form());
            assertThat(new OptimizerSpec(asked.kind(), asked.given()))
                    .isEqualTo(OptimizerSpec.usual(kind));
            String stored = TestingJson.MAPPER.writeValueAsString(spec);
            assertThat(TestingJson.MAPPER.readValue(stored, JobSpec.class)).isEqualTo(spec);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"optimizer\":\"lyon\"|optimizer|expected one of",
                "\"optimizer\":{\"beta1\":0.9}|optimizer.type|is required",
                "\"optimizer\":{\"type\":\"lion\",\"beta1\":1}|optimizer.beta1|below 1",
                "\"optimizer\":{\"type\":\"lion\",\"rank\":1}|optimizer.rank|not a known key",
                "\"optimizer\":\"sgd\",\"adam_beta1\":0.9|adam_beta1|is no setting of",
                "\"optimizer\":\"galore\"|optimizer|needs adapter none",
                "\"optimizer\":\"schedule_free\",\"scheduler\":\"cosine\"|scheduler|constant"
            })
    void refusesWhatAnOptimizerCannotTake(String body, String key, String message) {
        Problem problem = problemOfTraining(body);
        assertThat(problem.param()).isEqualTo("x_training." + key);
        assertThat(problem.message()).contains(message);
    }

    @Test
    void suggestsTheNameOfANumberOfAScheduler() {
        Problem problem =
                problemOfTraining(
                        "\"scheduler\":{\"type\":\"cosine_with_restarts\",\"num_cycles\":3}");
        assertThat(problem.param()).isEqualTo("x_training.scheduler.num_cycles");
        assertThat(problem.suggestion()).isEqualTo("cycles");
    }

    @Test
    void refusesPartsOfAModelThatMakeNoSense() {
        assertThat(problemOfTraining("\"adapter\":\"freeze\",\"trainable_layers\":0").message())
                .contains("0 layers train nothing");
        assertThat(problemOfTraining("\"adapter\":\"freeze\",\"trainable_layers\":[1.5]").message())
                .contains("whole numbers");
        assertThat(
                        problemOfTraining("\"adapter\":\"freeze\",\"trainable_modules\":[\"a b\"]")
                                .message())
                .contains("is no module name");
        assertThat(problemOfTraining("\"adapter\":\"freeze\",\"new_blocks\":4").message())
                .contains("adapters with it: llama_pro");
        assertThat(
                        problemOfTraining("\"adapter\":\"llama_pro\",\"quantization\":\"nf4\"")
                                .message())
                .contains("is no setting of adapter llama_pro");
        assertThat(problemOfTraining("\"rank_pattern\":{\"q_proj\":0.5}").message())
                .contains("whole numbers from 1");
        assertThat(problemOfTraining("\"alpha_pattern\":{\"(\":2}").message())
                .contains("no regular expression");
        assertThat(problemOfTraining("\"attention_group\":64").message())
                .contains("needs shifted_attention true");
        assertThat(problemOfTraining("\"shifted_attention\":true,\"attention_group\":33").message())
                .contains("must be even");
        assertThat(problemOfTraining("\"bias\":\"some\"").message())
                .contains("none, all, lora_only");
    }

    @Test
    void refusesWhatDoesNotGoTogether() {
        assertThat(problemOfTraining("\"adapter\":\"none\",\"rank\":8").message())
                .contains("needs adapter lora");
        assertThat(problemOfTraining("\"adapter\":\"none\",\"quantization\":\"nf4\"").message())
                .contains("found adapter none");
        assertThat(problemOfTraining("\"adapter\":\"ia3\",\"rank\":8").message())
                .contains("is no setting of adapter ia3; adapters with it: lora, qlora, dora");
        assertThat(problemOfTraining("\"virtual_tokens\":8").message())
                .contains("prompt_tuning, p_tuning or prefix_tuning");
        assertThat(
                        problemOfTraining("\"adapter\":\"prompt_tuning\",\"export\":\"merged\"")
                                .message())
                .contains("learned tokens are no weights");
        assertThat(problemOfTraining("\"adapter\":\"loftq\",\"quantization\":\"none\"").message())
                .contains("adapter loftq needs nf4 or fp4");
        assertThat(problemOfTraining("\"adapter\":\"qlora\",\"quantization\":\"none\"").message())
                .contains("needs nf4 or fp4");
        assertThat(problemOfTraining("\"adapter\":\"lora\",\"double_quantization\":true").message())
                .contains("needs adapter qlora");
        assertThat(problemOfTraining("\"warmup_ratio\":0.1,\"warmup_steps\":5").message())
                .contains("keep one");
        assertThat(
                        problem(
                                        "\"validation_file\":\"%s\",\"x_training\":{\"val_size\":0.1}"
                                                .formatted(READY.wire()))
                                .message())
                .contains("keep one");
        assertThat(
                        problem(
                                        "\"method\":{\"type\":\"pretrain\"},\"x_training\":{\"train_on_prompt\":true}")
                                .message())
                .contains("no meaning for method.type pretrain");
    }

    @Test
    void checksBatchesAgainstEachOther() {
        String batch = "\"hyperparameters\":{\"batch_size\":8},\"x_training\":{%s}";
        assertThat(problem(batch.formatted("\"micro_batch\":16")).message())
                .contains("not be larger than batch_size 8");
        assertThat(
                        problem(
                                        batch.formatted(
                                                "\"micro_batch\":4,\"gradient_accumulation_steps\":3"))
                                .message())
                .contains("takes 2 steps, found 3");
        assertThat(problem(batch.formatted("\"gradient_accumulation_steps\":9")).message())
                .contains("not be larger than batch_size 8");
        assertThat(
                        problemOfTraining("\"micro_batch\":100,\"gradient_accumulation_steps\":3")
                                .message())
                .contains("more than the largest batch_size 256");
        assertThat(spec(batch.formatted("\"micro_batch\":4,\"gradient_accumulation_steps\":2")))
                .isNotNull();
    }

    @Test
    void readsHyperparametersWhereverTheyStandAndMethodWins() {
        JobSpec spec =
                spec(
                        """
                        "hyperparameters":{"n_epochs":2,"batch_size":"auto","learning_rate_multiplier":0.5},
                        "method":{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":4}}}
                        """);
        assertThat(spec.hyperparameters()).isEqualTo(new Hyperparameters(4, null, 0.5));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "'n_epochs':0|n_epochs",
                "'n_epochs':51|n_epochs",
                "'batch_size':257|batch_size",
                "'learning_rate_multiplier':0|learning_rate_multiplier",
                "'n_epochs':'many'|n_epochs",
                "'epochs':3|epochs"
            })
    void refusesWrongHyperparameters(String key, String param) {
        String json = key.replace('\'', '"');
        assertThat(problem("\"hyperparameters\":{" + json + "}").param())
                .isEqualTo("hyperparameters." + param);
        assertThat(
                        problem(
                                        "\"method\":{\"type\":\"pretrain\",\"pretrain\":{\"hyperparameters\":{%s}}}"
                                                .formatted(json))
                                .param())
                .isEqualTo("method.pretrain.hyperparameters." + param);
    }

    @Test
    void refusesSettingsOfAnotherMethod() {
        assertThat(problem("\"method\":{\"type\":\"supervised\",\"pretrain\":{}}").message())
                .contains("does not belong to method.type supervised");
        assertThat(problem("\"method\":{\"type\":\"dpoo\"}").message())
                .contains("supervised, pretrain, dpo");
    }

    @Test
    void readsWhatPreferenceTrainingIsTold() {
        JobSpec spec =
                spec(
                        """
                        "method":{"type":"dpo","dpo":{"hyperparameters":{"beta":0.3,"n_epochs":2}}},
                        "x_training":{"loss_type":["sigmoid","sft"],"loss_weights":[1,0.5],
                          "label_smoothing":0.1,"ld_alpha":0.5,"use_weighting":true}
                        """);
        assertThat(spec.hyperparameters().nEpochs()).isEqualTo(2);
        assertThat(spec.choice().settings())
                .isEqualTo(
                        new MethodSettings.Preference(
                                0.3,
                                List.of(PairLoss.SIGMOID, PairLoss.SFT),
                                List.of(1.0, 0.5),
                                0.1,
                                Divergence.REVERSE_KL,
                                0.5,
                                0.05,
                                0.5,
                                true,
                                false,
                                Reference.START));
        assertThat(spec.choice().given())
                .containsExactlyInAnyOrder(
                        "beta",
                        "loss_type",
                        "loss_weights",
                        "label_smoothing",
                        "ld_alpha",
                        "use_weighting");
    }

    @Test
    void readsGraderAndSettingsOfPpo() {
        JobSpec spec =
                spec(
                        """
                        "method":{"type":"ppo","ppo":{"grader":{"type":"multi","graders":{
                          "form":{"type":"regex","pattern":"^a"},
                          "same":{"type":"string_check","input":"{{sample.output_text}}",
                            "reference":"{{item.reference_answer}}","operation":"eq"}},
                          "weights":{"form":0.5}}}},
                        "x_training":{"ppo_epochs":2,"kl_estimator":"k3","kl_target":6,"top_k":40}
                        """);
        MethodSettings.Ppo settings = (MethodSettings.Ppo) spec.choice().settings();
        assertThat(settings.grader().score(Map.of("reference_answer", "ab"), "ab")).isEqualTo(1.5);
        assertThat(settings.update().epochs()).isEqualTo(2);
        assertThat(settings.distance().estimator()).isEqualTo(KlEstimator.K3);
        assertThat(settings.distance().target()).isEqualTo(6.0);
        assertThat(spec.choice().given())
                .containsExactlyInAnyOrder("ppo_epochs", "kl_estimator", "kl_target", "top_k");
    }

    @Test
    void readsReinforcementAsTheSdkSendsIt() throws Exception {
        JobSpec spec =
                spec(
                        """
                        "method":{"type":"reinforcement","reinforcement":{
                          "grader":{"type":"string_check","name":"same","operation":"eq",
                            "input":"{{sample.output_text}}",
                            "reference":"{{item.reference_answer}}"},
                          "hyperparameters":{"n_epochs":"auto","batch_size":4,"eval_samples":2,
                            "eval_interval":3,"compute_multiplier":0.5,
                            "reasoning_effort":"default"}}},
                        "x_training":{"max_completion_length":32}
                        """);
        GroupSettings settings = (GroupSettings) spec.choice().settings();
        assertThat(settings.method()).isEqualTo(Method.REINFORCEMENT);
        assertThat(settings.answers()).isEqualTo(4);
        assertThat(settings.exam()).isEqualTo(new GroupSettings.Exam(2, 3, 0.5));
        assertThat(settings.rollout().tokensMax()).isEqualTo(32);
        String stored = TestingJson.MAPPER.writeValueAsString(spec);
        assertThat(TestingJson.MAPPER.readValue(stored, JobSpec.class)).isEqualTo(spec);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "grpo|\"num_generations\":1|num_generations",
                "rloo|\"loss_type\":\"dapo\"|loss_type",
                "rloo|\"scale_rewards\":\"group\"|scale_rewards",
                "grpo|\"ppo_epochs\":2|ppo_epochs",
                "grpo|\"epsilon\":0|epsilon"
            })
    void refusesWhatAGroupMethodCannotTake(String method, String training, String param) {
        String body =
                """
                "method":{"type":"%s","%s":{"grader":{"type":"regex","pattern":"a"}}},
                "x_training":{%s}
                """
                        .formatted(method, method, training);
        assertThat(problems(check(body)))
                .extracting(Problem::param)
                .containsExactly("x_training." + param);
    }

    @Test
    void packsOfRowsWithAnswersOfTheirOwnAreRefused() {
        String body =
                "\"method\":{\"type\":\"distill\"},\"x_training\":{\"teacher\":\"nano\",\"packing\":true%s}";
        assertThat(spec(body.formatted("")).training().rows().packing()).isTrue();
        Problem problem = problem(body.formatted(",\"on_policy_share\":0.5"));
        assertThat(problem.param()).isEqualTo("x_training.packing");
        assertThat(problem.text()).contains("draws an answer to each");
    }

    @Test
    void distillationNamesItsTeacher() {
        assertThat(problems(check("\"method\":{\"type\":\"distill\"}")))
                .extracting(Problem::param)
                .containsExactly("x_training.teacher");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{}|grader",
                "{'grader':{}}|grader.type",
                "{'grader':{'type':'regex','pattern':'('}}|grader.pattern",
                "{'grader':{'type':'regex','pattern':'a','patern':'a'}}|grader.patern",
                "{'grader':{'type':'multi','graders':{}}}|grader.graders",
                "{'grader':{'type':'python','source':'x'}}|grader.type",
                "{'grader':{'type':'text_similarity','input':'a','reference':'b','evaluation_metric':'cosine'}}|grader.evaluation_metric",
                "{'grader':{'type':'score_model','model':'nano','input':[]}}|grader.input",
                "{'grader':{'type':'score_model','model':'nano','input':[{'role':'user','content':'a'}],'range':[1,0]}}|grader.range",
                "{'grader':{'type':'multi','graders':{'a':{'type':'regex','pattern':'a'}},'calculate_output':'a + '}}|grader.calculate_output",
                "{'grader':{'type':'multi','graders':{'a':{'type':'regex','pattern':'a'}},'calculate_output':'a * b'}}|grader.calculate_output"
            })
    void namesWhatIsWrongWithAGrader(String body, String param) {
        String json = body.replace('\'', '"');
        assertThat(problems(check("\"method\":{\"type\":\"ppo\",\"ppo\":%s}".formatted(json))))
                .extracting(Problem::param)
                .contains("method.ppo." + param);
    }

    @Test
    void readsWhatSupervisedTuningIsTold() {
        JobSpec spec =
                spec(
                        "\"x_training\":{\"loss_type\":\"eaft\",\"eaft_alpha\":2,"
                                + "\"neftune_noise_alpha\":5,\"mask_history\":true}");
        assertThat(spec.choice().settings())
                .isEqualTo(
                        new MethodSettings.Supervised(
                                TokenLoss.EAFT, 0, 2, 5, true, 0.1, Reference.START));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "'loss_type':'dtf'|loss_type|dft",
                "'label_smoothing':1|label_smoothing|below 1",
                "'loss_type':'dft','label_smoothing':0.1|label_smoothing|needs loss_type nll",
                "'eaft_alpha':1|eaft_alpha|needs loss_type eaft",
                "'neftune_alpha':5|neftune_alpha|neftune_noise_alpha",
                "'mask_history':true,'train_on_prompt':true|mask_history|train_on_prompt"
            })
    void refusesWhatSupervisedTuningCannotDo(String key, String param, String message) {
        Problem problem = problemOfTraining(key.replace('\'', '"'));
        assertThat(problem.param()).isEqualTo("x_training." + param);
        assertThat(problem.text()).contains(message);
    }

    @Test
    void settingsOfEarlierReleasesAreStillRead() throws JsonProcessingException {
        MethodSettings stored =
                TestingJson.MAPPER.readValue("{\"type\":\"supervised\"}", MethodSettings.class);
        assertThat(stored.method()).isEqualTo(Method.SUPERVISED);
        assertThat(((MethodSettings.Supervised) stored).loss()).isEqualTo(TokenLoss.NLL);
    }

    @Test
    void readsKto() {
        JobSpec spec =
                spec(
                        "\"method\":{\"type\":\"kto\",\"kto\":{\"hyperparameters\":{\"beta\":0.3}}},"
                                + "\"x_training\":{\"desirable_weight\":1.33}");
        assertThat(spec.choice().settings())
                .isEqualTo(
                        new MethodSettings.Kto(
                                MethodSettings.Kto.Variant.KTO, 0.3, 1.33, 1, Reference.START));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "'kto':{'hyperparameters':{'batch_size':1}}|'dry_run':false|batch_size|at least 2",
                "'kto':{}|'loss_type':'apo_zero'|loss_type|apo_zero_unpaired",
                "'kto':{}|'desirable_wait':1|desirable_wait|desirable_weight",
                "'kto':{}|'packing':true|packing|without padding"
            })
    void refusesWhatKtoCannotDo(String own, String key, String param, String message) {
        String body = "'method':{'type':'kto',%s},'x_training':{%s}".formatted(own, key);
        Problem problem = problem(body.replace('\'', '"'));
        assertThat(problem.param()).isEqualTo("x_training." + param);
        assertThat(problem.text()).contains(message);
    }

    @Test
    void leavesBetaToTheRecipe() {
        JobSpec spec =
                spec(
                        "\"method\":{\"type\":\"dpo\",\"dpo\":{\"hyperparameters\":{\"beta\":\"auto\"}}}");
        assertThat(spec.choice()).isEqualTo(MethodChoice.of(Method.DPO));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "'loss_type':'sigmod'|loss_type|sigmoid",
                "'loss_type':['sigmoid','sft'],'loss_weights':[1]|loss_weights|2 losses",
                "'label_smoothing':0.5|label_smoothing|below 0.5",
                "'f_divergence_type':'kl'|f_divergence_type|reverse_kl",
                "'loss_type':'hinge','label_smoothing':0.1|label_smoothing|changes nothing with loss_type hinge",
                "'loss_type':['ipo','nca_pair'],'f_divergence_type':'js_divergence'|f_divergence_type|ipo, nca_pair",
                "'packing':true|packing|without padding",
                "'train_on_prompt':true|train_on_prompt|answers only",
                "'dropout':0.1|dropout|needs 0",
                "'reference_fre':true|reference_fre|known",
                "'reference':'nowhere'|reference|start and base are the model in training",
                "'reference':'nano','reference_free':true|reference|nothing is compared with it"
            })
    void refusesWhatPreferenceTrainingCannotDo(String key, String param, String message) {
        Problem problem =
                problem(
                        "\"method\":{\"type\":\"dpo\"},\"x_training\":{%s}"
                                .formatted(key.replace('\'', '"')));
        assertThat(problem.param()).isEqualTo("x_training." + param);
        assertThat(problem.text()).contains(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "supervised|{}|loss_type asft",
                "grpo|{\"grader\":{\"type\":\"regex\",\"pattern\":\"a\"}}|a kl_coef above 0"
            })
    void aReferenceThatNothingIsComparedWithIsRefused(String method, String own, String message) {
        Problem problem =
                problem(
                        "\"method\":{\"type\":\"%1$s\",\"%1$s\":%2$s},\"x_training\":{\"reference\":\"nano\"}"
                                .formatted(method, own));
        assertThat(problem.param()).isEqualTo("x_training.reference");
        assertThat(problem.text()).contains(message);
    }

    /// A correction of a price that nobody pays changes nothing.
    @ParameterizedTest
    @CsvSource({"grpo,0,needs a kl_coef above 0", "rloo,0.1,prices the distance in the reward"})
    void aCorrectionOfNoPriceIsRefused(String method, double price, String message) {
        Problem problem =
                problem(
                        "\"method\":{\"type\":\"%1$s\",\"%1$s\":{\"grader\":{\"type\":\"regex\",\"pattern\":\"a\"}}},\"x_training\":{\"kl_coef\":%2$s,\"use_bias_correction_kl\":true}"
                                .formatted(method, price));
        assertThat(problem.param()).isEqualTo("x_training.use_bias_correction_kl");
        assertThat(problem.text()).contains(message);
    }

    @Test
    void readsWhatAPolicyIsComparedWith() {
        MethodSettings settings =
                spec("\"method\":{\"type\":\"kto\"},\"x_training\":{\"reference\":\"nano\"}")
                        .choice()
                        .settings();
        assertThat(settings.reference()).isEqualTo(new Reference("nano"));
        assertThat(settings.companions()).isEqualTo(Map.of(ModelRole.REFERENCE, "nano"));
        for (String own : List.of("start", "base")) {
            assertThat(
                            spec("\"method\":{\"type\":\"dpo\"},\"x_training\":{\"reference\":\"%s\"}"
                                            .formatted(own))
                                    .choice()
                                    .settings()
                                    .companions())
                    .isEmpty();
        }
    }

    @Test
    void refusesTheKeysOfAnotherMethod() {
        assertThat(problem("\"x_training\":{\"loss_type\":\"ipo\"}").param())
                .isEqualTo("x_training.loss_type");
        assertThat(
                        problem(
                                        "\"method\":{\"type\":\"supervised\",\"supervised\":{\"hyperparameters\":{\"beta\":0.1}}}")
                                .param())
                .isEqualTo("method.supervised.hyperparameters.beta");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"suffix\":\"\"",
                "\"suffix\":\"a b\"",
                "\"suffix\":\"-a\"",
                "\"seed\":2147483648",
                "\"seed\":1.5",
                "\"spec_version\":2",
                "\"x_training\":[]",
                "\"method\":\"supervised\"",
                "\"x_scheduling\":{\"priority\":1001}",
                "\"x_scheduling\":{\"prio\":1}",
                "\"x_scheduling\":{\"max_runtime_s\":0}"
            })
    void refusesOtherImpossibleKeys(String more) {
        assertThat(problems(check(more))).hasSize(1);
    }

    @Test
    void tellsADryRun() {
        assertThat(((JobRules.Ok) check("\"x_training\":{\"dry_run\":true}")).dryRun()).isTrue();
        assertThat(((JobRules.Ok) check("")).dryRun()).isFalse();
    }

    @Test
    void aSpecSurvivesJson() throws Exception {
        JobSpec spec =
                spec(
                        "\"suffix\":\"s\",\"metadata\":{\"a\":\"b\"},\"x_training\":{\"rank\":8,\"overflow\":\"drop\"}");
        String json = TestingJson.MAPPER.writeValueAsString(spec);
        assertThat(TestingJson.MAPPER.readValue(json, JobSpec.class)).isEqualTo(spec);
    }
}
