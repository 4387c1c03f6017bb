package dev.tunesmith.contracts.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.mixture.DataFile;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.DataRules;
import dev.tunesmith.contracts.mixture.RowOrder;
import dev.tunesmith.contracts.mixture.Shape;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.contracts.twin.Likeness;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataKeysTest {

    private static final String INFO =
            """
            "dataset_info": {"zoo": {"file_name": "%s", "formatting": "sharegpt", "num_samples": 9,
              "columns": {"messages": "talk"}, "tags": {"role_tag": "who", "content_tag": "what"}}}
            """
                    .formatted(Bodies.READY.wire());

    @Test
    void readsFilesWithTheirSharesAndShapes() {
        DataPlan plan =
                of(
                        """
                        "data": [{"file": "%s", "weight": 3, "max_samples": 5},
                          {"file": "%s", "weight": 1, "format": "alpaca",
                           "columns": {"prompt": "q", "response": "a"}}],
                        "deduplicate": "normalised"
                        """
                                .formatted(Bodies.READY.wire(), Bodies.CHECKING.wire()));

        assertThat(plan.files())
                .extracting(DataFile::file)
                .containsExactly(Bodies.READY, Bodies.CHECKING);
        assertThat(plan.shares()).containsExactly(0.75, 0.25);
        assertThat(plan.mixing()).isEqualTo(Mixing.INTERLEAVE_OVER);
        assertThat(plan.deduplicate()).isEqualTo(Likeness.NORMALISED);
        assertThat(plan.reading(1).columns()).containsEntry("response", "a");
    }

    @Test
    void takesTheFirstFileOfTheDataAsTrainingFile() {
        JobRules.Checked checked =
                Bodies.checkBody(
                        "{\"model\":\"nano\",\"x_training\":{\"data\":[{\"file\":\"%s\"}]}}"
                                .formatted(Bodies.READY.wire()));

        assertThat(((JobRules.Ok) checked).spec().trainingFile()).isEqualTo(Bodies.READY);
    }

    private static JobRules.Checked broken(String data) {
        return Bodies.checkBody(
                "{\"model\":\"nano\",\"x_training\":{\"data\":[{\"file\":\"%s\"%s}]}}"
                        .formatted(Bodies.BROKEN.wire(), data));
    }

    /// An upload is checked as it is recognised; who names the columns has it checked by the job.
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "'\"columns\": {\"prompt\": \"q\", \"response\": \"a\"}'",
                "'\"format\": \"openai\", \"tags\": {\"role_tag\": \"from\"}'",
                "'\"format\": \"sharegpt\"'",
                "'\"kind\": \"text\"'"
            })
    void rowsThatTheUploadRefusedMayBeReadInAnotherWay(String reading) {
        assertThat(broken("," + reading)).isInstanceOf(JobRules.Ok.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "''",
                "'\"format\": \"openai\"'",
                "'\"kind\": \"json_lines\"'",
                "'\"weight\": 2'"
            })
    void rowsThatTheUploadRefusedStayRefusedWhenTheyAreReadAsThere(String reading) {
        JobRules.Checked checked = broken(reading.isEmpty() ? "" : "," + reading);

        assertThat(((JobRules.Bad) checked).problems().getFirst().text())
                .contains("x_training.data.0.file", "status_details", "\"columns\"");
    }

    @Test
    void aValidationFileMayBeReadInAnotherWayToo() {
        String file = "\"validation_file\": \"%s\"".formatted(Bodies.BROKEN.wire());

        assertThat(Bodies.check(file)).isInstanceOf(JobRules.Bad.class);
        assertThat(
                        Bodies.check(
                                file
                                        + ", \"x_training\": {\"validation_data\": {\"columns\":"
                                        + " {\"prompt\": \"q\"}}}"))
                .isInstanceOf(JobRules.Ok.class);
    }

    @Test
    void readsAnEntryOfADatasetInfo() {
        DataFile zoo =
                of(INFO + ", \"data\": [{\"dataset\": \"zoo\", \"max_samples\": 4}]")
                        .files()
                        .getFirst();

        assertThat(zoo.numSamples()).isEqualTo(9);
        assertThat(zoo.maxSamples()).isEqualTo(4);
        assertThat(zoo.reading().format()).isEqualTo(Shape.SHAREGPT);
        assertThat(zoo.reading().tags()).containsEntry("role_tag", "who");
    }

    private static final String PARTS =
            "\"dataset_info\": {\"en\": {\"hf_hub_url\": \"team/zoo\", \"subset\": \"en\"},"
                    + " \"en-test\": {\"file_name\": \"zoo.csv\", \"subset\": \"en\", \"split\": \"test\"}}";

    private static Uploads uploads(String... known) {
        return new Uploads(List.of(known));
    }

    /// A tenant with files of these names.
    private record Uploads(List<String> known) {
        List<Problem> problems(String keys) {
            Problems problems = new Problems();
            DataPlan _ = plan(keys, problems);
            return problems.kept();
        }

        DataPlan plan(String keys, Problems problems) {
            Fields fields = new Fields(Bodies.tree("{" + keys + "}"), "", problems);
            return DataRules.read(
                    fields,
                    problems,
                    new DataRules.Files() {
                        @Override
                        public FileId file(Fields given, String key, boolean overruled) {
                            return FileId.parse(String.valueOf(given.raw(key)));
                        }

                        @Override
                        public Optional<FileId> named(String fileName) {
                            int place = known.indexOf(fileName);
                            return place < 0
                                    ? Optional.empty()
                                    : Optional.of(new FileId(new UUID(7, place)));
                        }
                    });
        }
    }

    @ParameterizedTest
    @CsvSource({"en, zoo-en.jsonl", "en, en_zoo.parquet", "en-test, zoo.en.test.csv"})
    void aSubsetIsTheUploadWhoseNameSaysSo(String dataset, String upload) {
        Problems problems = new Problems();
        DataPlan plan =
                uploads("zoo", "zoo.csv", "zoo.jsonl", upload)
                        .plan(
                                PARTS + ", \"data\": [{\"dataset\": \"%s\"}]".formatted(dataset),
                                problems);

        assertThat(problems.kept()).isEmpty();
        assertThat(plan.files().getFirst().file()).isEqualTo(new FileId(new UUID(7, 3)));
    }

    @Test
    void aSubsetThatNoUploadIsNamedAfterIsRefusedWithTheNameToUseAndNeverTheWholeFile() {
        List<Problem> problems =
                uploads("zoo", "zoo.csv")
                        .problems(
                                PARTS
                                        + ", \"data\": [{\"dataset\": \"en\"}, {\"dataset\": \"en-test\"}]");

        assertThat(problems)
                .extracting(Problem::message)
                .satisfiesExactly(
                        first ->
                                assertThat(first)
                                        .contains("en of \"team/zoo\"", "\"zoo-en.jsonl\""),
                        second ->
                                assertThat(second).contains("en, test of", "\"zoo-en-test.csv\""));
    }

    @Test
    void theSubsetOfAJobCountsBeforeThatOfTheCatalogAndAFileBeforeBoth() {
        String ofJob = PARTS + ", \"data\": [{\"dataset\": \"en\", \"subset\": \"de\"}]";
        String withFile = PARTS + ", \"data\": [{\"dataset\": \"en\", \"file\": \"%s\"}]";
        Problems problems = new Problems();

        assertThat(uploads("zoo-de.json").plan(ofJob, problems).files()).hasSize(1);
        assertThat(
                        uploads()
                                .plan(withFile.formatted(Bodies.READY.wire()), problems)
                                .files()
                                .getFirst()
                                .file())
                .isEqualTo(Bodies.READY);
        assertThat(problems.kept()).isEmpty();
    }

    @Test
    void aPlanSurvivesItsWireAndShowsWhatWasAsked() {
        DataPlan plan = of("\"row_order\": \"by_column\", \"order_column\": \"level\"");

        assertThat(plan.order()).isEqualTo(RowOrder.BY_COLUMN);
        assertThat(plan.wire()).containsEntry("order_column", "level").hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'data':[{}]|x_training.data.0.file|is required",
                "'data':[{'file':'file-x'}]|x_training.data.0.file|no file",
                "'data':[{'dataset':'zo'}]|x_training.data.0.dataset|no dataset",
                "'data':[{'file':'READY','weight':0}]|x_training.data.0.weight|above 0",
                "'data':[{'file':'READY','max_samples':-1}]|x_training.data.0.max_samples|from 1",
                "'data':[{'file':'READY','format':'sharegtp'}]|x_training.data.0.format|expected one",
                "'data':[{'file':'READY','columns':{'promt':'q'}}]|x_training.data.0.columns.promt|role",
                "'data':[{'file':'READY','weight':2}],'mix_strategy':'concat'|x_training.mix_strategy|weights",
                "'data':[{'file':'READY'}],'interleave_probs':[1,2]|x_training.interleave_probs|2 shares",
                "'row_order':'by_column'|x_training.order_column|belong together",
                "'row_order':'by_length','packing':true|x_training.packing|row_order",
                "'dataset_info':3|x_training.dataset_info|an object",
                "'data':[{'file':'READY','subset':'en'}]|x_training.data.0.subset|has no subsets",
                "'data':[{'file':'READY','colums':{}}]|x_training.data.0.colums|known key"
            })
    void namesWhatIsWrong(String keys, String param, String message) {
        String body = keys.replace('\'', '"').replace("READY", Bodies.READY.wire());
        List<Problem> problems = Bodies.problems(Bodies.check("\"x_training\":{" + body + "}"));

        assertThat(problems)
                .anySatisfy(problem -> {
                    assertThat(problem.param()).isEqualTo(param);
                    assertThat(problem.message()).contains(message);
                });
    }

    private static DataPlan of(String keys) {
        return Bodies.spec("\"x_training\":{" + keys + "}").training().data();
    }
}
