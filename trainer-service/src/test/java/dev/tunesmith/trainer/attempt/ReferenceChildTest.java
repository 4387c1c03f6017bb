package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.trainer.attempt.RunningChild.Settings;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What one job trained is what another one is compared with.
class ReferenceChildTest {

    @TempDir Path folder;

    @Test
    void aModelOfAnotherJobIsTheReference() throws Exception {
        var objects = new DirectoryObjects(folder.resolve("store"));
        TinyJob chats = TinyJob.store(objects, folder);
        ChildReport.Result trained =
                run(chats.start(TinyJob.spec(8, 0), 1, null)).last(ChildReport.Result.class);
        var adapter = new ModelSource("ft:tiny", trained.manifest());
        Stored rows = objects.put("judged.jsonl", judged().getBytes(UTF_8));
        var file = new ObjectRef(rows.key(), rows.bytes(), rows.sha256());
        TinyJob judged = new TinyJob(chats.base(), file);

        Map<String, Double> start = firstStep(judged, Reference.START, Optional.empty());
        Map<String, Double> second =
                firstStep(judged, new Reference("ft:tiny"), Optional.of(adapter));
        assertThat(start).containsEntry("rewards/chosen", 0.0);
        assertThat(second.get("rewards/chosen")).isNotCloseTo(0, within(1e-3));
        assertThat(second.get("logps/chosen"))
                .isCloseTo(Objects.requireNonNull(start.get("logps/chosen")), within(1e-5));
        assertThat(second.get("train_loss")).isNotEqualTo(start.get("train_loss"));
    }

    private Map<String, Double> firstStep(
            TinyJob job, Reference reference, Optional<ModelSource> adapter) throws Exception {
        ResolvedSpec spec =
                TinyJob.of(TinyJob.spec(1, 0), Method.KTO)
                        .with(new Kto(Kto.Variant.APO_ZERO_UNPAIRED, 0.5, 1, 1, reference));
        Map<ModelRole, Control.Companion> others =
                adapter.map(own ->
                                Map.of(ModelRole.REFERENCE, new Control.Companion(job.base(), own)))
                        .orElse(Map.of());
        try (RunningChild child = run(job.start(spec, adapter.isPresent() ? 3 : 2, null, others))) {
            return child.find(ChildReport.Stepped.class, stepped -> stepped.step() == 1)
                    .orElseThrow()
                    .metrics();
        }
    }

    private RunningChild run(ChildCommand command) throws Exception {
        RunningChild child =
                RunningChild.start(
                        folder.resolve("work"), Settings.folder(folder.resolve("store")), command);
        assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
        return child;
    }

    private static String judged() {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            rows.append(
                    """
                    {"prompt":"What colour is sky %d?","completion":"It is blue %d.","label":%s}
                    """
                            .formatted(i, i % 7, i % 3 > 0));
        }
        return rows.toString();
    }
}
