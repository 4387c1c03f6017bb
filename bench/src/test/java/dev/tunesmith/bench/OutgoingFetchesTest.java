package dev.tunesmith.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Nothing is fetched from an address that a user wrote. Every place that opens a connection is
/// known here with whose address it is; a new one has to say so, and whoever takes an address from
/// a user has to check the name again when connecting and must not follow to private networks.
class OutgoingFetchesTest {

    private static final Map<String, String> KNOWN =
            Map.of(
                    "api-service/src/main/java/dev/tunesmith/api/chat/Upstream.java",
                    "the inference service of the settings",
                    "cli/src/main/java/dev/tunesmith/cli/Api.java",
                    "the server that the user of this computer names",
                    "platform/src/main/java/dev/tunesmith/platform/objects/S3Objects.java",
                    "the object store of the settings",
                    "standalone/src/main/java/dev/tunesmith/standalone/MinioServer.java",
                    "a server that the same process has started",
                    "trainer-service/src/main/java/dev/tunesmith/trainer/tracker/TrackerHttp.java",
                    "the tracker of the operator's settings");

    private static final Pattern OPENS =
            Pattern.compile(
                    "HttpClient\\.new|OkHttpClient\\b.*\\(|new URL\\(|\\.toURL\\(|\\.openStream\\("
                            + "|HttpURLConnection|new Socket\\(|SocketChannel\\.open");
    private static final Pattern FOLLOWS =
            Pattern.compile(
                    "followRedirects\\((?!false\\))|HttpClient\\.Redirect|followSslRedirects\\((?!false\\))");

    /// Its clients follow unless they are told not to.
    private static final Pattern OK_HTTP = Pattern.compile("new OkHttpClient\\b");

    private static final List<String> STAYS =
            List.of(".followRedirects(false)", ".followSslRedirects(false)");

    @Test
    void everyPlaceThatOpensAConnectionIsKnownAndFollowsNoRedirect() throws IOException {
        Map<String, String> found = new TreeMap<>();
        Path root = Path.of("..").toRealPath();
        for (Path file : sources(root)) {
            String source = Files.readString(file);
            String name = root.relativize(file).toString();
            assertThat(FOLLOWS.matcher(source).find()).as(name).isFalse();
            if (OK_HTTP.matcher(source).find()) {
                assertThat(source).as(name).contains(STAYS);
            }
            if (OPENS.matcher(source).find()) {
                found.put(name, KNOWN.getOrDefault(name, "not known"));
            }
        }
        assertThat(found).isEqualTo(new TreeMap<>(KNOWN));
    }

    /// What all modules ship.
    private static List<Path> sources(Path root) throws IOException {
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path module : modules.map(each -> each.resolve("src/main/java")).toList()) {
                if (Files.isDirectory(module)) {
                    try (Stream<Path> files = Files.walk(module)) {
                        sources.addAll(files.filter(f -> f.toString().endsWith(".java")).toList());
                    }
                }
            }
        }
        assertThat(sources).hasSizeGreaterThan(500);
        return sources;
    }

    /// What makes the rule above enough for the clients of the JDK.
    @Test
    void clientsFollowNothingUnlessTheyAreTold() {
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThat(client.followRedirects()).isEqualTo(HttpClient.Redirect.NEVER);
        }
    }
}
