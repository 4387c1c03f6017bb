package dev.tunesmith.engine.adapter.site;

import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// Where a kind of adapter hooks into a decoder: makes parameters by the names of PEFT files, and
/// remembers how to undo what was attached.
public final class Site {

    /// Before the names of all modules in PEFT files.
    public static final String PREFIX = "base_model.model.";

    private static final Pattern EXPERT = Pattern.compile(".*\\.experts\\.\\d+\\..*");

    private final Decoder decoder;
    private final Source source;
    private final Region region;
    private final Map<String, Stored> parameters = new LinkedHashMap<>();
    private final Map<String, Supplier<FileTensor>> extras = new TreeMap<>();
    private final Map<String, Tensor> alongside = new TreeMap<>();
    private final List<Runnable> undo = new ArrayList<>();
    private Optional<Companion> companion = Optional.empty();

    /// Where values of a parameter come from.
    public interface Source {
        /// Values in the order of files.
        float[] values(String name, long[] shape, Start start);

        /// The shape that is stored, if the source is a file and has the tensor.
        Optional<long[]> shape(String name);

        /// Values of a parameter that no file has.
        float[] unsaved(long[] shape, Start start);

        /// Accepts a tensor that is not needed.
        default void skip(String name) {}

        /// Whether values come from a file.
        default boolean stored() {
            return false;
        }
    }

    /// A parameter and how it is ordered in files.
    public record Stored(Parameter parameter, Form form) {
        public FileTensor tensor(Tensor values) {
            long[] shape = values.shape();
            return FileTensor.of(form.toFile(values.toFloats(), shape), form.fileShape(shape));
        }
    }

    public Site(Decoder decoder, Source source, Region region) {
        this.decoder = decoder;
        this.source = source;
        this.region = region;
    }

    public Decoder decoder() {
        return decoder;
    }

    public Region region() {
        return region;
    }

    /// Trainable parameters by name, in the order of the model.
    public Map<String, Stored> parameters() {
        return parameters;
    }

    /// Tensors that only files have, made when one is written.
    public Map<String, Supplier<FileTensor>> extras() {
        return extras;
    }

    /// Tensors of the base that are written along.
    public Map<String, Tensor> alongside() {
        return alongside;
    }

    /// Has a tensor of the base written along.
    public void alongside(String name, Tensor tensor) {
        alongside.put(name, tensor);
    }

    /// What the adapter does in training beside its layers.
    public Optional<Companion> companion() {
        return companion;
    }

    /// Sets what the adapter does in training beside its layers.
    public void companion(Companion does) {
        companion = Optional.of(does);
    }

    /// Notes how to take off what was just attached.
    public void undo(Runnable action) {
        undo.add(action);
    }

    public void undoAll() {
        undo.reversed().forEach(Runnable::run);
        undo.clear();
    }

    /// A trainable matrix in the compute type.
    public Parameter matrix(String name, Start start, long... shape) {
        return parameter(name, Form.plain(), decoder.computeType(), start, shape);
    }

    /// Trainable numbers in fp32.
    public Parameter vector(String name, Start start, long... shape) {
        return parameter(name, Form.plain(), DType.F32, start, shape);
    }

    /// A trainable copy of a tensor of the base.
    public Parameter copy(String name, Tensor base) {
        return parameter(name, Form.plain(), base.type(), new Start.Copy(base), base.shape());
    }

    /// A trainable parameter in an order of its own; `shape` is that in memory.
    public Parameter parameter(String name, Form form, DType type, Start start, long... shape) {
        Tensor value = region.tensor(type, shape);
        value.set(form.fromFile(source.values(name, form.fileShape(shape), start), shape));
        Parameter parameter = new Parameter(name, value).writtenExactly();
        parameters.put(name, new Stored(parameter, form));
        return parameter;
    }

    /// A trainable parameter that adapter files do not have.
    public Parameter unsaved(String name, Start start, long... shape) {
        Tensor value = region.tensor(decoder.computeType(), shape);
        value.set(source.unsaved(shape, start));
        Parameter parameter = new Parameter(name, value);
        parameters.put(name, new Stored(parameter, Form.plain()));
        return parameter;
    }

    /// A matrix that does not train.
    public Parameter frozen(String name, float[] values, long... shape) {
        Tensor value = region.tensor(decoder.computeType(), shape);
        value.set(values);
        return new Parameter(name, value);
    }

    /// Values that a file has beside the trained ones, if it has them.
    public Optional<float[]> stored(String name, long... shape) {
        return source.shape(name).isEmpty()
                ? Optional.empty()
                : Optional.of(source.values(name, shape, Start.zeros()));
    }

    /// The shape that a file has for a tensor.
    public Optional<long[]> shape(String name) {
        return source.shape(name);
    }

    /// Accepts a tensor of a file that is not needed.
    public void skip(String name) {
        source.skip(name);
    }

    /// Lets `change` change every target, and trains the biases that the scope names.
    ///
    /// @param probe end of the name of a tensor that every target has
    /// @return how many layers were changed
    public int linears(Scope scope, String probe, Function<Slot, Change> change) {
        int attached = 0;
        boolean withoutExperts = withoutExperts(scope.targets(), probe);
        for (Linear linear : decoder.linears()) {
            String module = module(linear.name(), probe);
            boolean target =
                    scope.targets().contains(module, true)
                            && !(withoutExperts && EXPERT.matcher(module).matches());
            if (target) {
                linear.attach(change.apply(new Slot(this, linear, PREFIX + module)));
                undo(linear::detach);
                attached++;
            }
            attachBias(scope.bias(), linear, module, target);
        }
        if (scope.bias() == TrainedBias.ALL) {
            norms(name -> name.endsWith(".bias"));
        }
        return attached;
    }

    /// Newer versions of transformers hold all experts of a mixture in one tensor, which PEFT
    /// leaves alone unless it is asked for by name: then a file has nothing for any of them,
    /// whatever its targets are called.
    private boolean withoutExperts(Targets targets, String probe) {
        return source.stored()
                && decoder.linears().stream()
                        .map(linear -> module(linear.name(), probe))
                        .filter(module ->
                                EXPERT.matcher(module).matches() && targets.contains(module, true))
                        .noneMatch(module -> source.shape(PREFIX + module + probe).isPresent());
    }

    /// Puts trainable copies in place of the parameters of norms that are wanted.
    ///
    /// @param wanted by the name in the checkpoint
    public void norms(Predicate<String> wanted) {
        Runnable back =
                decoder.changeNorms(parameter ->
                        wanted.test(parameter.name())
                                ? copy(PREFIX + parameter.name(), parameter.value())
                                : parameter);
        undo(back);
    }

    /// What a layer is called in this adapter: libraries have renamed the mixtures of Mixtral.
    String module(String name, String probe) {
        String renamed = name.replace(".block_sparse_moe.", ".mlp.");
        return source.shape(PREFIX + renamed + probe).isPresent() ? renamed : name;
    }

    private void attachBias(TrainedBias which, Linear linear, String module, boolean target) {
        boolean trained =
                switch (which) {
                    case NONE -> false;
                    case ALL -> true;
                    case TARGETS -> target;
                };
        Optional<Parameter> bias = linear.bias();
        if (!trained || bias.isEmpty()) {
            return;
        }
        Parameter original = bias.get();
        String name = PREFIX + module + (target ? ".base_layer.bias" : ".bias");
        linear.useBias(copy(name, original.value()));
        undo(() -> linear.useBias(original));
    }

    /// Refuses an adapter that changes nothing.
    public static void require(int attached, Scope scope) {
        if (attached == 0) {
            throw refused(
                    "target_modules %s matches no module of this model"
                            .formatted(scope.targets().wire()));
        }
    }

    public static AdapterException refused(String reason) {
        return new AdapterException("adapter", List.of(reason));
    }
}
