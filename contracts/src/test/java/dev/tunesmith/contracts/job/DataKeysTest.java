package dev.tunesmith.contracts.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.contracts.mixture.DataFile;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.RowOrder;
import dev.tunesmith.contracts.mixture.Shape;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.twin.Likeness;
import java.util.List;
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
