package dev.tunesmith.contracts.twin;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class TwinsTest {

    private static final String STORY =
            "The river runs slowly past the mill where the old miller grinds the grain of the"
                    + " valley every morning before the sun has reached the roofs of the village,"
                    + " and nobody knows how long the wheel will turn after he is gone from there";

    private static Map<String, Object> row(String text) {
        return Map.of("text", text);
    }

    @Test
    void theOrderOfKeysDoesNotCount() {
        Map<String, Object> there = new LinkedHashMap<>();
        there.put("prompt", "a");
        there.put("completion", "b");
        Map<String, Object> back = new LinkedHashMap<>();
        back.put("completion", "b");
        back.put("prompt", "a");

        assertThat(RowPrint.of(there)).isEqualTo(RowPrint.of(back));
    }

    @Test
    void swappedValuesAreAnotherRow() {
        assertThat(RowPrint.of(Map.of("prompt", "a", "completion", "b")))
                .isNotEqualTo(RowPrint.of(Map.of("prompt", "b", "completion", "a")));
        assertThat(RowPrint.of(Map.of("messages", List.of("a", "b"))))
                .isNotEqualTo(RowPrint.of(Map.of("messages", List.of("b", "a"))));
    }

    @Test
    void caseSpacesAndPunctuationCountOnlyForExactTwins() {
        Twins exact = new Twins(Likeness.EXACT);
        Twins normalised = new Twins(Likeness.NORMALISED);
        for (String text : List.of("Hello, world!", "hello  world", "Hello, world!", "bye")) {
            exact.add(row(text));
            normalised.add(row(text));
        }

        assertThat(exact.groups()).containsExactly(0, 1, 0, 3);
        assertThat(normalised.groups()).containsExactly(0, 0, 0, 3);
    }

    @Test
    void nearTwinsDifferInAFewWords() {
        Twins near = new Twins(Likeness.NEAR);
        near.add(row(STORY));
        near.add(row("Something else is told here about a ship, its crew and the long way home"));
        near.add(row(STORY.replace("gone from there", "gone from here")));
        near.add(row(STORY.toUpperCase(java.util.Locale.ROOT)));

        assertThat(near.groups()).containsExactly(0, 1, 0, 0);
    }

    @Test
    void nearTwinsOfScriptsWithoutSpacesAreFound() {
        String story = "磨坊旁边的小河慢慢地流过山谷老磨坊主每天早晨在太阳照到村子屋顶之前磨着谷物";
        Twins near = new Twins(Likeness.NEAR);
        near.add(row(story + "没有人知道水车还会转多久"));
        near.add(row(story + "没有人知道水车还会转多少"));
        near.add(row("完全不同的句子讲述一艘船和它的船员以及漫长的归途还有风暴"));

        assertThat(near.groups()).containsExactly(0, 0, 2);
    }

    @Test
    void rowsThatDifferHaveDifferentPrints() {
        List<Long> seen = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            seen.add(RowPrint.of(row("row number " + i)).normalised());
        }

        assertThat(seen).doesNotHaveDuplicates();
    }

    @Test
    void aRowStaysOnItsSideWhenOthersAreAdded() {
        long[] few = prints(500);
        long[] many = prints(1000);

        BitSet before = HoldOut.rows(few, 0.1, 7);
        BitSet after = HoldOut.rows(many, 0.1, 7);

        assertThat(after.get(0, 500)).isEqualTo(before);
        assertThat(after.cardinality()).isBetween(70, 130);
        assertThat(HoldOut.rows(many, 0.1, 8)).isNotEqualTo(after);
    }

    @Test
    void repeatedRowsStayTogether() {
        long[] prints = prints(100);
        long[] twice = new long[200];
        System.arraycopy(prints, 0, twice, 0, 100);
        System.arraycopy(prints, 0, twice, 100, 100);

        BitSet held = HoldOut.rows(twice, 20, 1);

        assertThat(held.cardinality()).isEqualTo(20);
        assertThat(held.get(0, 100)).isEqualTo(held.get(100, 200));
    }

    @Test
    void smallSetsHoldOutOneGroupAndKeepOne() {
        assertThat(HoldOut.rows(prints(2), 0.01, 1).cardinality()).isEqualTo(1);
        assertThat(HoldOut.rows(prints(2), 0.99, 1).cardinality()).isEqualTo(1);
        assertThat(HoldOut.rows(new long[] {5, 5}, 0.5, 1).cardinality()).isZero();
    }

    private static long[] prints(int rows) {
        long[] prints = new long[rows];
        for (int i = 0; i < rows; i++) {
            prints[i] = RowPrint.of(row("row " + i)).normalised();
        }
        return prints;
    }
}
