package dev.tunesmith.api.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class FileNameTest {
    private static String name(String raw) {
        return FileName.of(raw, 20).text();
    }

    @Test
    void aNameIsTheLastOfAPathWithoutWhatCannotBeStoredOrShown() {
        assertThat(name("rows.csv\0.exe")).isEqualTo("rows.csv.exe");
        assertThat(name("\0rows\u001b[31m.cs\ud800v")).isEqualTo("rows[31m.csv");
        assertThat(name("..\\a\\/etc/rows.jsonl")).isEqualTo("rows.jsonl");
        assertThat(name("\0")).isEqualTo(FileName.UNNAMED);
        assertThat(name("..")).isEqualTo(FileName.UNNAMED);
        assertThat(name("x".repeat(100))).hasSize(20);
    }
}
