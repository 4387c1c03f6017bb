package dev.tunesmith.bench.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The manifests of `k8s` against the code: a name that nobody reads, a probe that nobody answers
/// or a pod that may do too much is found without a cluster.
final class ManifestsTest {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Path BASE = HOME.resolve("k8s/base");
    private static final List<Manifest> ALL = Manifest.below(BASE);
    private static final Set<String> PROBES =
            Set.of("/health/started", "/health/ready", "/health/live");

    /// The trainer has no HTTP: its beats are its probe.
    private static final Set<String> WITHOUT_HTTP = Set.of("trainer-service");

    private static final Map<String, String> ROOTS =
            Map.of(
                    "dev.tunesmith.migrations.", "migrations",
                    "dev.tunesmith.standalone.", "standalone");

    @Test
    void everyFileIsPartOfTheBaseAndTheFourServicesAreThere() {
        Manifest base =
                ALL.stream()
                        .filter(m -> m.kind().equals("Kustomization"))
                        .findFirst()
                        .orElseThrow();
        Set<String> files =
                ALL.stream()
                        .map(m -> m.file().getFileName().toString())
                        .collect(Collectors.toSet());
        files.remove("kustomization.yaml");
        assertThat(base.all("resources").stream().map(String::valueOf))
                .containsExactlyInAnyOrderElementsOf(files);
        assertThat(workloads().map(Manifest::name))
                .containsExactlyInAnyOrder(
                        "api-service",
                        "scheduler-service",
                        "inference-service",
                        "trainer-service",
                        "setup");
    }

    @Test
    void everyEnvironmentVariableIsReadByTheCodeThatGetsIt() {
        workloads()
                .forEach(workload -> {
                    KnownNames known = KnownNames.of(HOME, modules(workload.name()));
                    workload.pod()
                            .containers()
                            .forEach(container ->
                                    assertThat(known.names())
                                            .as("%s", container)
                                            .containsAll(names(container)));
                });
    }

    @Test
    void everySettingComesFromTheConfigMapAndEverySecretFromASecret() {
        Manifest settings =
                ALL.stream().filter(m -> m.kind().equals("ConfigMap")).findFirst().orElseThrow();
        var used = new TreeSet<String>();
        workloads()
                .flatMap(workload -> workload.pod().containers().stream())
                .flatMap(container -> container.all("env").stream())
                .map(entry -> (Map<?, ?>) entry)
                .forEach(entry -> {
                    String name = String.valueOf(entry.get("name"));
                    String key =
                            String.valueOf(
                                    Manifest.at(entry, "valueFrom", "configMapKeyRef", "key"));
                    if (name.matches(".*(PASSWORD|_KEY|PEPPER)")) {
                        assertThat(Manifest.at(entry, "valueFrom", "secretKeyRef", "name"))
                                .as(name)
                                .isNotEqualTo("");
                    }
                    if (!key.isEmpty()) {
                        assertThat(key).isEqualTo(name);
                        used.add(key);
                    }
                });
        assertThat(used).isEqualTo(((Map<?, ?>) Manifest.at(settings.tree(), "data")).keySet());
    }

    @Test
    void everyProbeExistsOnTheManagementPort() throws IOException {
        for (Manifest deployment : deployments()) {
            Manifest container = deployment.pod().containers().getFirst();
            var probes = new ArrayList<String>();
            for (String probe : List.of("startupProbe", "readinessProbe", "livenessProbe")) {
                if (container.has(probe)) {
                    assertThat(container.text(probe, "httpGet", "port")).isEqualTo("management");
                    probes.add(container.text(probe, "httpGet", "path"));
                }
            }
            if (WITHOUT_HTTP.contains(deployment.name())) {
                assertThat(probes).isEmpty();
                continue;
            }
            assertThat(probes).as(deployment.name()).containsExactlyInAnyOrderElementsOf(PROBES);
            String properties =
                    Files.readString(
                            HOME.resolve(deployment.name())
                                    .resolve("src/main/resources/application.properties"));
            assertThat(properties)
                    .contains("quarkus.management.root-path=/\n", "health.root-path=/health\n");
            for (Object port : container.all("ports")) {
                String name = String.valueOf(((Map<?, ?>) port).get("name"));
                String key =
                        name.equals("http") ? "quarkus.http.port=" : "quarkus.management.port=";
                assertThat(properties)
                        .contains(key + ((Map<?, ?>) port).get("containerPort") + "\n");
            }
        }
    }

    @Test
    void noPodMayDoMoreThanItMust() {
        workloads()
                .forEach(workload -> {
                    Manifest pod = workload.pod();
                    assertThat(pod.text("automountServiceAccountToken")).isEqualTo("false");
                    assertThat(pod.text("securityContext", "runAsNonRoot")).isEqualTo("true");
                    assertThat(pod.text("securityContext", "seccompProfile", "type"))
                            .isEqualTo("RuntimeDefault");
                    for (Manifest container : pod.containers()) {
                        assertThat(container.has("resources", "limits", "memory")).isTrue();
                        assertThat(container.has("resources", "requests", "cpu")).isTrue();
                        assertThat(container.text("securityContext", "readOnlyRootFilesystem"))
                                .isEqualTo("true");
                        assertThat(container.text("securityContext", "allowPrivilegeEscalation"))
                                .isEqualTo("false");
                        assertThat(container.text("securityContext", "capabilities", "drop"))
                                .isEqualTo("[ALL]");
                    }
                });
    }

    @Test
    void everyMainThatIsNamedExists() {
        workloads()
                .flatMap(workload -> workload.pod().containers().stream())
                .filter(container -> container.has("command"))
                .map(container -> String.valueOf(container.all("command").getLast()))
                .forEach(main -> {
                    String module =
                            ROOTS.entrySet().stream()
                                    .filter(root -> main.startsWith(root.getKey()))
                                    .map(Map.Entry::getValue)
                                    .findFirst()
                                    .orElseThrow();
                    String source = "src/main/java/" + main.replace('.', '/') + ".java";
                    assertThat(HOME.resolve(module).resolve(source)).exists();
                });
    }

    private static Stream<Manifest> workloads() {
        return ALL.stream().filter(m -> Set.of("Deployment", "Job").contains(m.kind()));
    }

    private static List<Manifest> deployments() {
        return ALL.stream().filter(m -> m.kind().equals("Deployment")).toList();
    }

    private static List<String> modules(String workload) {
        return workload.equals("setup")
                ? List.of("migrations", "standalone")
                : List.of(workload, "kernels", "platform");
    }

    private static List<String> names(Manifest container) {
        return container.all("env").stream()
                .map(entry -> String.valueOf(((Map<?, ?>) entry).get("name")))
                .toList();
    }
}
