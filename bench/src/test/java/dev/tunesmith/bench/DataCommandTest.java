package dev.tunesmith.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `data check` on this machine.
final class DataCommandTest {
    @TempDir Path folder;

    private record Said(int code, String text) {}

    private static Said run(String... words) {
        var said = new ByteArrayOutputStream();
        PrintStream out = System.out;
        PrintStream err = System.err;
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        System.setErr(System.out);
        try {
            int code = DataCommand.run(List.of(words));
            return new Said(code, said.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    private String file(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content).toString();
    }

    @Test
    void saysWhatAFileWasTakenForAndHowToSayOtherwise() throws IOException {
        Said said = run(file("rows.csv", "prompt,completion\na,b\nc,d\n"));

        assertThat(said.code()).isZero();
        assertThat(said.text())
                .contains("recognised as csv, because its name says so, with completion rows,")
                .contains("because 2 of the first 2 have prompt; override with --kind, --format,");
        assertThat(run(file("chat", "{\"prompt\":\"a\",\"completion\":\"b\"}\n")).text())
                .contains("recognised as json lines, because its first bytes are such");
    }

    /// Kills: an override that only the server knows.
    @Test
    void columnsThatAreNamedMakeRowsOfThem() throws IOException {
        String rows = file("own.jsonl", "{\"ask\":\"a\",\"reply\":\"b\"}\n");
        Said bare = run(rows);
        Said named = run(rows, "--format", "alpaca", "--columns", "prompt=ask,response=reply");

        assertThat(bare.code()).isEqualTo(2);
        assertThat(bare.text())
                .contains("rows of no known shape: name their columns; override with")
                .contains("1 x unknown_shape");
        assertThat(named.code()).as(named.text()).isZero();
        assertThat(named.text()).contains("1 of the first 1 rows can be used");
        assertThat(run(rows, "--columns", "prompt=question").text())
                .contains("none of the first 1 rows fits");
    }

    /// Kills: a way of reading that only the server's verbs take.
    @Test
    void rankedRowsAndPartsOfATextAreReadAsTheServerReadsThem() throws IOException {
        String pairs = file("pairs.jsonl", "{\"q\":\"a\",\"good\":\"b\",\"bad\":\"c\"}\n");
        String columns = "prompt=q,chosen=good,rejected=bad";
        String text = file("notes.txt", "one\ntwo\n\nthree\n");

        assertThat(run(pairs, "--columns", columns, "--json").text())
                .contains("\"format\":\"completion\"");
        Said ranked = run(pairs, "--columns", columns, "--ranking", "--json");
        assertThat(ranked.code()).as(ranked.text()).isZero();
        assertThat(ranked.text()).contains("\"format\":\"preference\"");
        assertThat(run(text, "--json").text()).contains("\"rows\":3");
        assertThat(run(text, "--chunk", "paragraph", "--json").text()).contains("\"rows\":2");
        assertThat(run(text, "--chunk", "page").text()).contains("--chunk");
    }

    @Test
    void aWrongOverrideIsNamed() throws IOException {
        String rows = file("own.jsonl", "{\"ask\":\"a\"}\n");

        Said said = run(rows, "--columns", "question=ask", "--kind", "xlsx");

        assertThat(said.code()).isEqualTo(2);
        assertThat(said.text()).contains("--columns.question", "--kind");
    }
}
