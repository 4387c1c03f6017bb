package dev.tunesmith.api.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.UUID;

/// Rows that tests begin with.
public final class Rows {
    /// Training data of two conversations.
    public static final byte[] CHAT =
            """
            {"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"}]}
            {"messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":"2"}]}
            """
                    .getBytes(UTF_8);

    private Rows() {}

    /// A base model of the platform, whose objects nobody looks at.
    public static void baseModel(String name) {
        UUID id = UUID.nameUUIDFromBytes(name.getBytes(UTF_8));
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle ->
                                handle.execute(
                                        """
                                        INSERT INTO model_version (version_id, name, kind, object_prefix, manifest_key,
                                          manifest_sha256, bytes, facts)
                                        VALUES (?, ?, 'base', 'base/x/', 'base/x/MANIFEST.json', decode(repeat('ab', 32), 'hex'), 1,
                                          '{"context_length": 512}')
                                        ON CONFLICT DO NOTHING
                                        """,
                                        id,
                                        name));
    }
}
