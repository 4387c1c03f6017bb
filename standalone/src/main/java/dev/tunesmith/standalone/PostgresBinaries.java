package dev.tunesmith.standalone;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/// PostgreSQL's programs: those of the jar, unpacked once into the user's cache, or those of the
/// machine.
///
/// @param bin the folder with `initdb`, `pg_ctl` and `postgres`
/// @param locale what `initdb` needs to sort text by code point and to know the letters of Unicode
record PostgresBinaries(Path bin, List<String> locale) {
    private static final String ARCHIVE = "/postgres-linux-x86_64.txz";
    private static final List<String> BUILTIN_LOCALE =
            List.of("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C");

    /// Servers before 17 have no locale of their own and take the C library's.
    private static final List<String> LIBRARY_LOCALE = List.of("--locale=C.UTF-8");

    /// Debian's packages keep several versions side by side, Fedora's stand in the usual place.
    private static final Path DEBIAN = Path.of("/usr/lib/postgresql");

    private static final Path FEDORA = Path.of("/usr/bin");

    /// Unpacks what is not there yet; several processes may ask at once.
    static PostgresBinaries unpacked() {
        try {
            Path cache = cache();
            Path home = cache.resolve("postgres-" + checksum());
            if (!Files.isDirectory(home)) {
                try (FileChannel channel =
                                FileChannel.open(
                                        cache.resolve("postgres.lock"),
                                        StandardOpenOption.CREATE,
                                        StandardOpenOption.WRITE);
                        FileLock _ = channel.lock()) {
                    unpackInto(home);
                }
            }
            return new PostgresBinaries(home.resolve("bin"), BUILTIN_LOCALE);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack PostgreSQL", e);
        }
    }

    /// The programs that the system's packages installed, the newest version of several.
    ///
    /// @throws IllegalStateException when there are none, with the line that installs them
    static PostgresBinaries installed() {
        var candidates = new ArrayList<Path>();
        if (Files.isDirectory(DEBIAN)) {
            try (Stream<Path> versions = Files.list(DEBIAN)) {
                versions.sorted(Comparator.reverseOrder())
                        .map(version -> version.resolve("bin"))
                        .forEach(candidates::add);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot look for PostgreSQL", e);
            }
        }
        candidates.add(FEDORA);
        return candidates.stream()
                .filter(bin -> Files.isExecutable(bin.resolve("initdb")))
                .findFirst()
                .map(bin -> new PostgresBinaries(bin, LIBRARY_LOCALE))
                .orElseThrow(() ->
                        new IllegalStateException(
                                """
                                no PostgreSQL server is installed. Install one:
                                  Debian/Ubuntu:  sudo apt-get install postgresql
                                  Fedora:         sudo dnf install postgresql-server\
                                """));
    }

    String program(String name) {
        return bin.resolve(name).toString();
    }

    private static Path cache() throws IOException {
        String wished = System.getenv("TUNESMITH_NATIVE_DIR");
        Path folder =
                wished != null
                        ? Path.of(wished)
                        : Path.of(System.getProperty("user.home"), ".cache/tunesmith/native");
        return Files.createDirectories(folder);
    }

    private static InputStream archive() throws IOException {
        InputStream stream = PostgresBinaries.class.getResourceAsStream(ARCHIVE);
        if (stream == null) {
            throw new IOException(
                    "there is no PostgreSQL for this machine: Linux x86-64 is needed, this is "
                            + System.getProperty("os.name")
                            + " "
                            + System.getProperty("os.arch"));
        }
        return stream;
    }

    private static String checksum() throws IOException {
        var sum = new CRC32();
        try (InputStream stream = archive()) {
            byte[] buffer = new byte[1 << 16];
            for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
                sum.update(buffer, 0, n);
            }
        }
        return Long.toHexString(sum.getValue());
    }

    /// Unpacks beside the goal and renames, so that a killed process leaves nothing half done under
    /// the name that others look for.
    private static void unpackInto(Path home) throws IOException {
        if (Files.isDirectory(home)) {
            return;
        }
        Path fresh = Files.createTempDirectory(home.getParent(), "postgres-unpack");
        try (InputStream packed = archive();
                TarArchiveInputStream tar = new TarArchiveInputStream(new XZInputStream(packed))) {
            for (TarArchiveEntry entry = tar.getNextEntry();
                    entry != null;
                    entry = tar.getNextEntry()) {
                place(tar, entry, fresh);
            }
        }
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.move(fresh, home, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void place(TarArchiveInputStream tar, TarArchiveEntry entry, Path folder)
            throws IOException {
        Path target = folder.resolve(entry.getName()).normalize();
        if (!target.startsWith(folder)) {
            throw new IOException("the archive leaves its folder: " + entry.getName());
        }
        if (entry.isDirectory()) {
            Files.createDirectories(target);
            return;
        }
        Files.createDirectories(target.getParent());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
        } else {
            Files.copy(tar, target);
            Files.setPosixFilePermissions(target, permissions(entry.getMode()));
        }
    }

    private static Set<PosixFilePermission> permissions(int mode) {
        Set<PosixFilePermission> result =
                EnumSet.of(
                        PosixFilePermission.OWNER_READ,
                        PosixFilePermission.OWNER_WRITE,
                        PosixFilePermission.GROUP_READ,
                        PosixFilePermission.OTHERS_READ);
        if ((mode & 0b001_000_000) != 0) {
            result.add(PosixFilePermission.OWNER_EXECUTE);
            result.add(PosixFilePermission.GROUP_EXECUTE);
            result.add(PosixFilePermission.OTHERS_EXECUTE);
        }
        return result;
    }
}
