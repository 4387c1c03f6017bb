package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.factor.Combination;
import dev.tunesmith.engine.adapter.factor.Combination.Joined;
import dev.tunesmith.engine.adapter.factor.Combination.Part;
import dev.tunesmith.engine.adapter.kind.AdapterConfig;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// One LoRA out of several, weighted, all in folders of PEFT.
///
/// @param tensors as a file holds them
public record JoinedAdapter(LoraConfig config, Map<String, FileTensor> tensors) {

    private static final String A = ".lora_A.weight";
    private static final String B = ".lora_B.weight";

    /// An adapter and its weight in the sum.
    public record Member(Path folder, double weight) {}

    /// A member in memory.
    private record Read(LoraConfig config, Map<String, FileTensor> tensors, double weight) {

        static Read of(Member member) {
            Map<String, Object> tree = JsonTree.read(member.folder.resolve(Adapter.CONFIG));
            if (!(AdapterConfig.read(tree) instanceof LoraConfig lora)) {
                throw refused("only adapters of kind LORA can be joined");
            }
            if (lora.direction() || lora.factorBias() || !lora.tensors().isEmpty()) {
                throw refused("use_dora, lora_bias and target_parameters cannot be joined");
            }
            Map<String, FileTensor> tensors = new TreeMap<>();
            try (SafetensorsFile file =
                    SafetensorsFile.open(member.folder.resolve(Adapter.WEIGHTS))) {
                for (StoredTensor tensor : file.tensors()) {
                    String name = tensor.name();
                    if (!name.endsWith(A) && !name.endsWith(B)) {
                        throw refused("tensor %s cannot be joined".formatted(name));
                    }
                    tensors.put(name, new FileTensor(tensor.shape(), file.floats(name)));
                }
            }
            return new Read(lora, tensors, member.weight);
        }

        private FileTensor tensor(String name) {
            FileTensor tensor = tensors.get(name);
            if (tensor == null) {
                throw refused("tensor %s is missing".formatted(name));
            }
            return tensor;
        }

        boolean has(String module) {
            return tensors.containsKey(module + A);
        }

        Part part(String module) {
            FileTensor a = tensor(module + A);
            FileTensor b = tensor(module + B);
            int rank = Math.toIntExact(a.shape().getFirst());
            String name = module.replaceFirst("^base_model\\.model\\.", "");
            return new Part(a.values(), b.values(), rank, config.ranks().scale(name), weight);
        }
    }

    public JoinedAdapter {
        tensors = Map.copyOf(tensors);
    }

    private static AdapterException refused(String reason) {
        return new AdapterException("joining adapters", List.of(reason));
    }

    /// The tensor of that name, which must be there.
    public FileTensor tensor(String name) {
        FileTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw refused("tensor %s is missing".formatted(name));
        }
        return tensor;
    }

    /// Joins adapters.
    ///
    /// @throws AdapterException if they cannot be joined in that way
    public static JoinedAdapter of(List<Member> members, Combination combination) {
        List<Read> read = members.stream().map(Read::of).toList();
        Set<String> modules = new TreeSet<>();
        for (Read member : read) {
            member.tensors.keySet().stream()
                    .filter(name -> name.endsWith(A))
                    .forEach(name -> modules.add(name.substring(0, name.length() - A.length())));
        }
        int rank = combination.rank(read.stream().map(m -> m.config.ranks().rank()).toList());
        Map<String, FileTensor> tensors = new TreeMap<>();
        for (String module : modules) {
            List<Part> parts =
                    read.stream().filter(m -> m.has(module)).map(m -> m.part(module)).toList();
            join(combination, parts, rank, module, tensors);
        }
        return new JoinedAdapter(config(read, rank), tensors);
    }

    private static void join(
            Combination combination,
            List<Part> parts,
            int rank,
            String module,
            Map<String, FileTensor> tensors) {
        try {
            Joined joined = combination.join(parts, rank);
            long inputs = joined.a_RI().length / joined.rank();
            long outputs = joined.b_OR().length / joined.rank();
            tensors.put(module + A, FileTensor.of(joined.a_RI(), joined.rank(), inputs));
            tensors.put(module + B, FileTensor.of(joined.b_OR(), outputs, joined.rank()));
        } catch (IllegalArgumentException e) {
            throw refused("%s: %s".formatted(module, e.getMessage()));
        }
    }

    /// Rank and alpha are equal, so that the scale is 1.
    private static LoraConfig config(List<Read> members, int rank) {
        Set<String> names = new TreeSet<>();
        List<Targets.Selection> selections = new ArrayList<>();
        for (Read member : members) {
            Targets.Selection included = member.config.scope().targets().included();
            selections.add(included);
            if (included instanceof Targets.Selection.Names listed) {
                names.addAll(listed.names());
            }
        }
        boolean same = selections.stream().distinct().count() == 1;
        boolean listed = selections.stream().allMatch(Targets.Selection.Names.class::isInstance);
        if (!same && !listed) {
            throw refused("target_modules of the adapters differ and are no lists");
        }
        Targets first = members.getFirst().config.scope().targets();
        Targets targets = same ? first : Targets.named(List.copyOf(names));
        return LoraConfig.of(
                Scope.of(members.getFirst().config.scope().base(), targets),
                LoraConfig.Ranks.everywhere(rank, rank),
                0,
                false);
    }

    /// Writes a folder that PEFT and [Adapter#load] read.
    public void write(Path folder) throws IOException {
        PeftFolder.write(folder, config.toTree(), tensors, SafetensorsWriter.Target.AT_ONCE);
    }
}
