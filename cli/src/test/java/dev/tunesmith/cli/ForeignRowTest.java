package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.contracts.dataset.DatasetEntry;
import dev.tunesmith.contracts.dataset.Layout;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.method.Method.RowKind;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Rows of other trainers lose nothing that ours can say.
final class ForeignRowTest {
    private static String written(Layout layout, boolean ranking, RowKind kind, String json)
            throws JsonProcessingException {
        Map<String, Object> row =
                Api.JSON.readValue(json.replace('\'', '"'), new TypeReference<>() {});
        DatasetEntry entry = DatasetEntry.usual("", layout, ranking);
        ObjectNode ours = ForeignRow.of(UsualRow.of(UsualRow.parsed(row), entry), kind);
        return ours == null ? "nothing" : ours.toString().replace('"', '\'');
    }

    /// Kills: messages of which only role and text are kept.
    @Test
    void weightsThoughtsAndNamesStay() throws JsonProcessingException {
        String row =
                "{'messages':[{'role':'user','content':'a','name':'Ann'},{'role':'assistant','content':'b',"
                        + "'weight':0},{'role':'user','content':'c'},{'role':'assistant','content':'d',"
                        + "'reasoning_content':'hm'}]}";

        assertThat(written(Layout.OPENAI, false, RowKind.CONVERSATION, row))
                .contains("'name':'Ann'", "'content':'b','weight':0")
                .contains("'content':'d','reasoning_content':'hm'");
        assertThat(written(Layout.OPENAI, false, RowKind.PROMPT, row))
                .endsWith("{'role':'user','content':'c'}]}");
    }

    @Test
    void eachMethodHasItsShape() throws JsonProcessingException {
        String pair = "{'instruction':'q','chosen':'a','rejected':'b','system':'s'}";
        String judged = "{'instruction':'q','output':'a','kto_tag':true}";

        assertThat(written(Layout.ALPACA, true, RowKind.PAIR, pair))
                .isEqualTo(
                        "{'input':{'messages':[{'role':'system','content':'s'},{'role':'user',"
                                + "'content':'q'}]},'preferred_output':[{'role':'assistant','content':'a'}],"
                                + "'non_preferred_output':[{'role':'assistant','content':'b'}]}");
        assertThat(written(Layout.ALPACA, false, RowKind.JUDGED, judged))
                .contains("'completion':[{'role':'assistant','content':'a'}],'label':true");
        assertThat(written(Layout.ALPACA, false, RowKind.DOCUMENT, judged))
                .isEqualTo("{'text':'qa'}");
        assertThat(written(Layout.ALPACA, false, RowKind.PAIR, judged)).isEqualTo("nothing");
        assertThat(
                        written(
                                Layout.SHAREGPT,
                                false,
                                RowKind.CONVERSATION,
                                "{'conversations':[{'from':'human','value':'q'}]}"))
                .isEqualTo("nothing");
    }

    @Test
    void picturesAreRefusedByTheirRowAndNotForgotten() throws JsonProcessingException {
        String row = "{'instruction':'<image> q','output':'a','images':['cat.png']}";

        assertThat(written(Layout.ALPACA, false, RowKind.CONVERSATION, row)).isEqualTo("nothing");
    }
}
