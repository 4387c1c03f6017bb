package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Slot;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.InputMap;
import dev.tunesmith.engine.nn.change.OutputScale;
import java.util.List;
import java.util.Map;

/// IA3: a factor for every output of a layer, or for every input of a feed-forward layer.
///
/// @param feedforward which of the targets are feed-forward layers
public record Ia3Config(Scope scope, Targets.Selection feedforward) implements AdapterConfig {

    static Ia3Config read(Settings settings) {
        Ia3Config config =
                new Ia3Config(settings.scope("ia3"), settings.selection("feedforward_modules"));
        settings.finish();
        return config;
    }

    /// A new one.
    public static Ia3Config of(Scope scope, List<String> feedforward) {
        return new Ia3Config(scope, new Targets.Selection.Names(feedforward));
    }

    @Override
    public String peftType() {
        return "IA3";
    }

    @Override
    public void attach(Site site) {
        Site.require(site.linears(scope, ".ia3_l", this::change), scope);
        SavedModules.attach(site, scope);
    }

    private Change change(Slot slot) {
        if (isFeedforward(slot.linear().name())) {
            return Change.of(
                    new InputMap.Scale(slot.vector(".ia3_l", Start.ones(), 1, slot.inputs())));
        }
        return Change.of(
                new OutputScale(
                        slot.vector(".ia3_l", Start.ones(), slot.outputs(), 1),
                        OutputScale.Place.BEHIND_BIAS,
                        null));
    }

    /// Here PEFT wants no dot before the end of a name.
    private boolean isFeedforward(String module) {
        return switch (feedforward) {
            case Targets.Selection.Names names -> names.names().stream().anyMatch(module::endsWith);
            case Targets.Selection.Regex regex -> module.matches(regex.pattern());
        };
    }

    @Override
    public void write(Map<String, Object> tree) {
        tree.put("feedforward_modules", feedforward.wire());
        tree.put("init_ia3_weights", true);
    }

    @Override
    public Ia3Config withoutDropout() {
        return this;
    }
}
