package dev.tunesmith.testkit.tidy;

import java.util.List;

/// The hard limits of the house style. They bind the tail, not the mean.
record Budget(int methodLines, int fileLines, int parameters, int nesting, int annotations) {
    static final Budget HOUSE = new Budget(70, 800, 7, 4, 3);

    /// Endings that say nothing about what a type is.
    static final List<String> BANNED_ENDINGS =
            List.of(
                    "Impl", "Manager", "Util", "Utils", "Helper", "Dto", "DTO", "Bean", "Info",
                    "Data");

    /// Beginnings that name a place in a hierarchy and not a thing.
    static final List<String> BANNED_BEGINNINGS = List.of("Abstract", "Base", "Common");

    /// A record groups values; past this many components some of them want a noun of their own.
    static final int RECORD_COMPONENTS = 12;

    static final int TYPES_IN_A_PACKAGE = 25;
}
