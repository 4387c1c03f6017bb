package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.GradientNorm;
import dev.tunesmith.engine.optim.TensorOptimizer.Member;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Changes each layer as soon as its gradient is there, so that gradients of one layer, and of what
/// lies beside the layers, live at a time (LOMO, arXiv 2306.09782).
///
/// A limit of the norm of all gradients needs to know them all before the first change: then the
/// way back is gone twice, the first time only to measure.
public final class LayerwiseOptimizer implements Optimizer, Tape.Blocks {

    private final List<Member> members;
    private final Map<Parameter, Member> memberOf = new HashMap<>();
    private final Limits limits;
    private final GradientNorm norm;
    private final GradientNorm single;
    private final Tensor one;
    private final Region region;
    private final StepArena arena = StepArena.unlimited();
    private final Map<Long, Deque<Tensor>> free = new HashMap<>();
    private final List<Parameter> lent = new ArrayList<>();
    private final Set<Parameter> done = new HashSet<>();
    private long gradientBytes;
    private long steps;
    private Pass pass = new Pass(0, false, false);

    /// One way back.
    ///
    /// @param changes whether weights move, or are only measured
    /// @param factor whether the gradients are multiplied by the factor that the last pass has
    ///   found
    private record Pass(double rate, boolean changes, boolean factor) {}

    LayerwiseOptimizer(List<ParameterGroup> groups, Rule rule, Limits limits, Region region) {
        this.limits = limits;
        this.region = region;
        this.members = Member.of(groups, rule, region);
        List<Tensor> shapes = members.stream().map(m -> m.parameter().value()).toList();
        this.norm = new GradientNorm(shapes, region);
        this.single = new GradientNorm(shapes, region);
        this.one = region.floats(new float[] {1}, 1);
        for (Member member : members) {
            memberOf.put(member.parameter(), member);
            member.parameter().borrowFrom(this::lend);
        }
    }

    private Tensor lend(Parameter parameter) {
        if (!done.add(parameter)) {
            throw new IllegalStateException(
                    "%s has changed already, and a later gradient of the same step came"
                            .formatted(parameter.name()));
        }
        lent.add(parameter);
        Tensor value = parameter.value();
        Deque<Tensor> waiting = free.get(value.elements());
        if (waiting != null && !waiting.isEmpty()) {
            Tensor used = waiting.removeLast();
            Tensor gradient = used.reshape(value.shape());
            gradient.clear();
            return gradient;
        }
        gradientBytes += DType.F32.bytes() * value.elements();
        return region.zeros(DType.F32, value.shape());
    }

    /// Goes the way back once, or twice if the norm is limited, and changes the weights.
    ///
    /// @param back the way back of a recorded step
    /// @param again records the same step once more and goes back
    public Outcome step(double rate, Runnable back, Runnable again) {
        boolean twice = limits.norm() > 0;
        if (twice) {
            double all = passed(new Pass(rate, false, false), back);
            if (!Double.isFinite(all)) {
                return new Outcome(all, false);
            }
        }
        steps++;
        double all = passed(new Pass(rate, true, twice), twice ? again : back);
        return new Outcome(all, Double.isFinite(all));
    }

    private double passed(Pass next, Runnable back) {
        pass = next;
        if (!next.factor) {
            norm.begin();
        }
        back.run();
        ended(0);
        done.clear();
        return norm.end(limits.norm());
    }

    @Override
    public int begun() {
        return lent.size();
    }

    @Override
    public void ended(int begun) {
        List<Parameter> complete = lent.subList(begun, lent.size());
        for (Parameter parameter : complete) {
            Tensor gradient = parameter.gradient();
            TensorOptimizer.cutOff(gradient, limits.value(), arena, one);
            if (!pass.factor) {
                norm.add(gradient);
            }
            if (pass.changes && isFinite(gradient)) {
                Member member = memberOf.get(parameter);
                if (member != null) {
                    member.step(pass.rate, steps, arena, pass.factor ? norm.factor() : one);
                }
            }
            free.computeIfAbsent(gradient.elements(), _ -> new ArrayDeque<>()).addLast(gradient);
            parameter.giveBack();
        }
        complete.clear();
    }

    /// Where the norm of all is not known before, each tensor answers for itself: what is no number
    /// changes nothing.
    private boolean isFinite(Tensor gradient) {
        return pass.factor || Double.isFinite(single.measure(List.of(gradient), 0));
    }

    /// Bytes of gradients that were ever there at the same time.
    public long gradientBytes() {
        return gradientBytes;
    }

    @Override
    public void begin() {
        // All parameters train all the time.
    }

    @Override
    public Outcome step(double rate) {
        throw new UnsupportedOperationException("this optimizer changes weights on the way back");
    }

    @Override
    public double clipped(double gradientNorm) {
        double most = limits.norm();
        return most > 0 && gradientNorm > most ? most / gradientNorm : 1;
    }

    @Override
    public void clearGradients() {
        for (Parameter parameter : lent) {
            Tensor gradient = parameter.gradient();
            free.computeIfAbsent(gradient.elements(), _ -> new ArrayDeque<>()).addLast(gradient);
            parameter.giveBack();
        }
        lent.clear();
        done.clear();
    }

    @Override
    public void measuring(boolean on) {
        // There is one place only.
    }

    @Override
    public long steps() {
        return steps;
    }

    @Override
    public void resumeAt(long stepsApplied) {
        this.steps = stepsApplied;
    }

    @Override
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        members.forEach(member -> member.update().addTo(member.parameter().name(), state));
        return state;
    }

    @Override
    public void close() {
        arena.close();
    }
}
