package dev.tunesmith.migrations;

import dev.tunesmith.contracts.id.ApiKey;
import dev.tunesmith.contracts.id.OrganizationId;
import dev.tunesmith.contracts.id.TenantId;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Properties;
import java.util.UUID;

/// The two tenants of an embedded platform, `demo` and `guest`, which cannot see each other, and a
/// key for its operator. The keys are made here, once, and kept in a file that only its owner
/// reads.
final class DemoTenants {
    private static final int GPU_QUOTA = 4;

    private DemoTenants() {}

    /// Makes what is missing; a key that the file has and the database knows stays as it is.
    ///
    /// @param file properties `demo`, `guest` and `operator`
    static void write(Seed seed, Path file) {
        try {
            Properties keys = read(file);
            TenantId demo = tenant(seed, "demo", "Demo");
            TenantId guest = tenant(seed, "guest", "Guest");
            add(keys, "demo", seed, demo, List.of(Seed.SCOPE_ALL));
            add(keys, "guest", seed, guest, List.of(Seed.SCOPE_ALL));
            add(keys, "operator", seed, demo, List.of(Seed.SCOPE_ALL, Seed.SCOPE_OPERATOR));
            save(keys, file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot keep the keys of the demo tenants", e);
        }
    }

    private static TenantId tenant(Seed seed, String name, String title) {
        OrganizationId organization = seed.organization(name, title);
        return seed.tenant(organization, name, GPU_QUOTA);
    }

    private static void add(
            Properties keys, String name, Seed seed, TenantId tenant, List<String> scopes) {
        if (ApiKey.parse(keys.getProperty(name, "")).filter(seed::knows).isEmpty()) {
            ApiKey key = seed.key(tenant, UUID.randomUUID(), name, scopes);
            keys.setProperty(name, key.text());
        }
    }

    private static Properties read(Path file) throws IOException {
        var keys = new Properties();
        if (Files.exists(file)) {
            try (Reader reader = Files.newBufferedReader(file)) {
                keys.load(reader);
            }
        }
        return keys;
    }

    /// Written beside its name and renamed, so that a crash never leaves half a file; the file can
    /// be read by its owner alone from its first byte.
    private static void save(Properties keys, Path file) throws IOException {
        Path fresh =
                Files.createTempFile(
                        file.toAbsolutePath().getParent(),
                        "keys",
                        ".fresh",
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
        try (Writer writer = Files.newBufferedWriter(fresh)) {
            keys.store(writer, "API keys of the demo tenants");
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
