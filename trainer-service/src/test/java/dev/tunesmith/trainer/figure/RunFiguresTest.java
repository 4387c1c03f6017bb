package dev.tunesmith.trainer.figure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.curve.Panel;
import dev.tunesmith.contracts.curve.Series;
import dev.tunesmith.contracts.event.StepMetrics;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RunFiguresTest {
    @TempDir Path folder;

    private static List<Map<String, Object>> lines() {
        var lines = new ArrayList<Map<String, Object>>();
        var random = new Random(7);
        for (int step = 1; step <= 200; step++) {
            var line = new LinkedHashMap<String, Object>();
            line.put("step", (long) step);
            line.put("train_loss", 2.5 * Math.exp(-step / 80.0) + 0.4 + 0.2 * random.nextDouble());
            line.put("learning_rate", 1e-4 * Math.min(1, step / 20.0) * (1 - step / 201.0));
            line.put("grad_norm", 1 + random.nextDouble());
            line.put("rewards/margins", step / 100.0 + 0.3 * random.nextDouble());
            if (step % 40 == 0) {
                line.put("valid_loss", 2.4 * Math.exp(-step / 80.0) + 0.5);
            }
            lines.add(line);
        }
        return lines;
    }

    @Test
    void drawsLossRewardRateAndNorm() throws Exception {
        RunFigures.write(folder, lines());
        String svg = Files.readString(folder.resolve(StepMetrics.SVG));
        assertThat(svg)
                .contains(">loss<", ">reward<", ">learning rate<", ">gradient norm<")
                .contains("train_loss", "valid_loss", "opacity=\"0.4\"");
        javax.xml.parsers.DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(folder.resolve(StepMetrics.SVG).toFile());
    }

    @Test
    void ofGradedAnswersTheRewardIsDrawnHereAndInEvaluations() {
        var line = new LinkedHashMap<String, Object>();
        for (String name :
                List.of(
                        "train_loss",
                        "valid_loss",
                        "reward",
                        "reward_std",
                        "frac_reward_zero_std",
                        "rewards/form/mean",
                        "rewards/form/std",
                        "valid_reward",
                        "valid_rewards/form/mean")) {
            line.put(name, 1.0);
        }
        line.put("step", 1L);
        List<Panel> panels = Panel.of(Series.of(List.of(line)));
        assertThat(panels.getFirst().curves())
                .extracting(Series::name)
                .containsExactly("train_loss");
        assertThat(panels.get(1).curves())
                .extracting(Series::name)
                .containsExactly("reward", "rewards/form/mean", "valid_reward");
    }

    @Test
    void thePictureIsAPngThatOthersRead() throws Exception {
        RunFigures.write(folder, lines());
        BufferedImage image = ImageIO.read(folder.resolve(StepMetrics.PNG).toFile());
        assertThat(image.getWidth()).isEqualTo(2 * Sheet.PANEL_WIDTH);
        assertThat(image.getHeight()).isEqualTo(2 * Sheet.PANEL_HEIGHT);
        assertThat(image.getRGB(1, 1) & 0xFFFFFF).isEqualTo(0xFFFFFF);
    }

    @Test
    void theEventFileHoldsARecordAMeasurement() throws Exception {
        RunFigures.write(folder, lines());
        ByteBuffer file =
                ByteBuffer.wrap(Files.readAllBytes(folder.resolve(StepMetrics.EVENTS)))
                        .order(ByteOrder.LITTLE_ENDIAN);
        int records = 0;
        var text = new StringBuilder();
        while (file.hasRemaining()) {
            var event = new byte[(int) file.getLong()];
            int _ = file.getInt();
            file.get(event);
            assertThat(file.getInt()).isEqualTo(EventFile.masked(event));
            text.append(new String(event, StandardCharsets.ISO_8859_1));
            records++;
        }
        assertThat(records).isEqualTo(1 + 4 * 200 + 5);
        assertThat(text).contains("brain.Event:2", "train/loss", "valid/loss", "rewards/margins");
    }

    @Test
    void equalRunsLeaveEqualFiles() throws Exception {
        RunFigures.write(folder, lines());
        byte[] first = Files.readAllBytes(folder.resolve(StepMetrics.EVENTS));
        RunFigures.write(folder, lines());
        assertThat(Files.readAllBytes(folder.resolve(StepMetrics.EVENTS))).isEqualTo(first);
    }

    @Test
    void aRunWithoutFiguresLeavesNone() throws Exception {
        RunFigures.write(folder, List.of());
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void everySignOfOurFiguresHasALetter() {
        for (char sign : "train_loss rewards/chosen 1.5e-05 gradient norm (%)".toCharArray()) {
            assertThat(sign == ' ' || Letters.knows(sign)).as("%s", sign).isTrue();
        }
    }
}
