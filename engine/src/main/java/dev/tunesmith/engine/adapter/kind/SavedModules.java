package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Modules that train as a whole beside an adapter (`modules_to_save`).
final class SavedModules {

    private final Site site;
    private final List<String> wanted;
    private final List<String> unknown;

    private SavedModules(Site site, Scope scope) {
        this.site = site;
        this.wanted = scope.savedModules();
        this.unknown = new ArrayList<>(wanted);
    }

    /// Puts trainable copies in place of everything that is named.
    static void attach(Site site, Scope scope) {
        if (!scope.savedModules().isEmpty()) {
            new SavedModules(site, scope).attach();
        }
    }

    private void attach() {
        Head head = site.decoder().head();
        if (names("lm_head")) {
            Parameter original = head.weight();
            head.useWeight(site.copy(Site.PREFIX + "lm_head.weight", original.value()));
            site.undo(() -> head.useWeight(original));
        }
        Embedding embedding = site.decoder().embedding();
        if (names(embedding.name())) {
            Parameter original = embedding.table();
            String name = Site.PREFIX + embedding.name() + ".weight";
            embedding.useTable(site.copy(name, original.value()));
            site.undo(() -> embedding.useTable(original));
        }
        site.decoder().linears().stream().filter(l -> names(l.name())).forEach(this::replace);
        site.norms(name -> names(name.substring(0, name.lastIndexOf('.'))));
        if (!unknown.isEmpty()) {
            throw Site.refused(
                    "modules_to_save %s is not supported (supported: linear layers, norms, the"
                                    .formatted(unknown)
                            + " embedding and the head)");
        }
    }

    private void replace(Linear linear) {
        Parameter original =
                linear.weight()
                        .parameter()
                        .orElseThrow(() -> Site.refused(linear.name() + " is quantised"));
        linear.useWeight(site.copy(Site.PREFIX + linear.name() + ".weight", original.value()));
        site.undo(() -> linear.useWeight(original));
        Optional<Parameter> bias = linear.bias();
        bias.ifPresent(own -> {
            linear.useBias(site.copy(Site.PREFIX + linear.name() + ".bias", own.value()));
            site.undo(() -> linear.useBias(own));
        });
    }

    /// PEFT compares the ends of names without a dot before them.
    private boolean names(String module) {
        boolean named = wanted.stream().anyMatch(module::endsWith);
        unknown.removeIf(module::endsWith);
        return named;
    }
}
