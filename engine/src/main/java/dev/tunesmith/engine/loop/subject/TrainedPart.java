package dev.tunesmith.engine.loop.subject;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.Layout;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.Region;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Which weights of a model train when not all of them do.
public final class TrainedPart {

    private final Decoder model;
    private final AdapterSpec.Part part;
    private final Pattern layerOf;
    private final List<String> faults = new ArrayList<>();

    private TrainedPart(AdapterSpec.Part part, Decoder model) {
        this.model = model;
        this.part = part;
        String path = model.architecture().layout().name(Layout.Part.LAYER);
        String quoted = Pattern.quote(path).replace("%d", "\\E(\\d+)\\Q");
        this.layerOf = Pattern.compile(quoted + "(.*)");
    }

    /// Makes those parameters trainable; their masters and gradients live in `region`.
    ///
    /// @param copies whether bf16 weights get masters
    /// @throws SpecRefusedException naming every choice that the model does not have, and every
    ///   weight that cannot train
    public static void train(AdapterSpec.Part part, Decoder model, Region region, boolean copies) {
        var choice = new TrainedPart(part, model);
        Set<Parameter> chosen = choice.chosen();
        choice.refuseCodes();
        if (!choice.faults.isEmpty()) {
            throw new SpecRefusedException(
                    "adapter " + part.kind().wire(), List.copyOf(choice.faults));
        }
        chosen.forEach(parameter -> parameter.train(region, copies));
    }

    private Set<Parameter> chosen() {
        Set<Parameter> chosen = new HashSet<>();
        if (part.share() > 0) {
            chosen.addAll(strongest());
        } else {
            part.modules().forEach(module -> chosen.addAll(inside(module)));
        }
        part.extra().forEach(module -> chosen.addAll(outside(module)));
        return chosen;
    }

    /// Parameters of the chosen layers below a module.
    private List<Parameter> inside(String module) {
        List<Parameter> found = new ArrayList<>();
        for (Parameter parameter : model.parameters()) {
            Matcher place = layerOf.matcher(parameter.name());
            if (place.matches()
                    && (part.share() > 0
                            || part.layers().contains(Integer.parseInt(place.group(1))))
                    && names(module, place.group(2))) {
                found.add(parameter);
            }
        }
        if (found.isEmpty()) {
            faults.add(
                    "trainable_modules %s names nothing in layers %s (there are %s)"
                            .formatted(module, part.layers(), modules()));
        }
        return found;
    }

    private List<Parameter> outside(String module) {
        List<Parameter> found =
                model.parameters().stream()
                        .filter(parameter -> !layerOf.matcher(parameter.name()).matches())
                        .filter(parameter -> names(module, parameter.name()))
                        .toList();
        if (found.isEmpty()) {
            List<String> there =
                    model.parameters().stream()
                            .map(Parameter::name)
                            .filter(name -> !layerOf.matcher(name).matches())
                            .toList();
            faults.add(
                    "extra_modules %s names nothing beside the layers (there are %s)"
                            .formatted(module, there));
        }
        return found;
    }

    private Set<String> modules() {
        Set<String> modules = new TreeSet<>();
        for (Parameter parameter : model.parameters()) {
            Matcher place = layerOf.matcher(parameter.name());
            if (place.matches()) {
                modules.add(place.group(2).replaceAll("\\.(weight|bias)$", ""));
            }
        }
        return modules;
    }

    /// Whether a module is that part of a path; `*` stands for anything but a dot.
    static boolean names(String module, String path) {
        if (module.equals(AdapterSpec.Part.ALL)) {
            return true;
        }
        String pattern = "\\Q" + module.replace("*", "\\E[^.]*\\Q") + "\\E";
        return path.matches("(.*\\.)?" + pattern + "(\\..*)?");
    }

    /// Of every kind of matrix those layers whose values stand out most from noise.
    private List<Parameter> strongest() {
        Map<String, List<Signal>> byModule = new TreeMap<>();
        for (String module : part.modules()) {
            for (Parameter parameter : inside(module)) {
                Matcher place = layerOf.matcher(parameter.name());
                if (parameter.value().rank() == 2 && place.matches()) {
                    byModule.computeIfAbsent(place.group(2), _ -> new ArrayList<>())
                            .add(Signal.of(parameter));
                }
            }
        }
        List<Parameter> chosen = new ArrayList<>();
        byModule.values()
                .forEach(signals -> {
                    long count = Math.max(1, Math.round(part.share() * signals.size()));
                    signals.stream()
                            .sorted(Comparator.comparingDouble(Signal::ratio).reversed())
                            .limit(count)
                            .forEach(signal -> chosen.add(signal.parameter));
                });
        return chosen;
    }

    /// How far the singular values of a matrix rise above those of noise.
    private record Signal(Parameter parameter, double ratio) {
        static Signal of(Parameter parameter) {
            return new Signal(
                    parameter, SignalToNoise.of(parameter.best(), (int) parameter.value().size(0)));
        }
    }

    /// Codes have no gradient.
    private void refuseCodes() {
        for (Linear linear : model.linears()) {
            Matcher place = layerOf.matcher(linear.name());
            if (linear.weight().parameter().isEmpty()
                    && place.matches()
                    && part.modules().stream().anyMatch(m -> names(m, place.group(2)))
                    && (part.share() > 0
                            || part.layers().contains(Integer.parseInt(place.group(1))))) {
                faults.add(
                        "%s is quantised and cannot train; use adapter lora, or a base that is not"
                                        .formatted(linear.name())
                                + " quantised");
                return;
            }
        }
    }
}
