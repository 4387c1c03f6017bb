package dev.tunesmith.contracts.chat;

import dev.tunesmith.contracts.tool.Notation;
import java.util.ArrayList;
import java.util.List;

/// Part of what a template writes around a turn.
sealed interface Slot {

    /// Text, with the content of the turn in it or without.
    record Words(String before, boolean content, String after) implements Slot {}

    /// A piece that is always the same.
    record Fixed(Piece piece) implements Slot {}

    /// Reads the notation of the table: `{}` is the content, `{bos}` and `{eos}` are the special
    /// tokens, `{token X}` is a control token and `{+}` a border between two pieces.
    static List<Slot> parse(String value) {
        List<Slot> slots = new ArrayList<>();
        List<String> words = new ArrayList<>();
        boolean content = false;
        for (Notation.Part part : Notation.parts(value)) {
            if (!part.named()) {
                words.add(part.text());
            } else if (part.text().isEmpty()) {
                content = true;
                if (words.isEmpty()) {
                    words.add("");
                }
                words.add("");
            } else {
                flush(slots, words, content);
                content = false;
                if (part.text().equals("bos")) {
                    slots.add(new Fixed(Piece.Special.BOS));
                } else if (part.text().equals("eos")) {
                    slots.add(new Fixed(Piece.Special.EOS));
                } else if (part.text().startsWith("token ")) {
                    slots.add(new Fixed(new Piece.Token(part.text().substring(6))));
                } else if (!part.text().equals("+")) {
                    throw new IllegalArgumentException("unknown slot {" + part.text() + "}");
                }
            }
        }
        flush(slots, words, content);
        return List.copyOf(slots);
    }

    private static void flush(List<Slot> slots, List<String> words, boolean content) {
        if (!words.isEmpty()) {
            String before = words.getFirst();
            String after = String.join("", words.subList(1, words.size()));
            slots.add(new Words(before, content, after));
        }
        words.clear();
    }

    /// The pieces of a turn; empty ones are left out.
    static List<Piece> fill(List<Slot> slots, String content) {
        List<Piece> pieces = new ArrayList<>();
        for (Slot slot : slots) {
            switch (slot) {
                case Words words -> {
                    String text = words.before() + (words.content() ? content : "") + words.after();
                    if (!text.isEmpty()) {
                        pieces.add(new Piece.Text(text));
                    }
                }
                case Fixed fixed -> pieces.add(fixed.piece());
            }
        }
        return pieces;
    }
}
