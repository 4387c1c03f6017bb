package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// BAdam (arXiv 2404.02827): one block of parameters after another trains, with gradients, masters
/// and moments of its own, which are gone when the next one begins.
public final class BlockOptimizer implements Optimizer {

    private static final Pattern LAYER =
            Pattern.compile("(?:^|\\.)(?:layers|h|blocks)\\.(\\d+)\\.");

    private final List<List<Parameter>> blocks;
    private final Plan plan;
    private @Nullable Active active;
    private long steps;

    /// How the blocks train.
    ///
    /// @param every steps of a block
    /// @param start first block; −1 for the one that the order begins with
    /// @param lead steps that the first block gets less, which is 1 in the first implementation
    public record Plan(
            Rule.AdamW rule,
            Order order,
            int every,
            int start,
            int lead,
            double decay,
            double normMax,
            long seed) {}

    /// Which block is next.
    public enum Order {
        ASCENDING,
        DESCENDING,
        /// Another permutation of all blocks in each round.
        RANDOM,
        /// The first one only.
        FIXED
    }

    /// The block that trains.
    ///
    /// @param turn number of blocks before it, repetitions included
    private record Active(long turn, Region region, TensorOptimizer optimizer, int block) {}

    public BlockOptimizer(List<List<Parameter>> blocks, Plan plan) {
        this.blocks = blocks.stream().map(List::copyOf).toList();
        this.plan = plan;
        if (blocks.isEmpty()) {
            throw new IllegalArgumentException("no layer to train");
        }
    }

    /// The parameters of each layer, in the order of the layers.
    public static List<List<Parameter>> layers(List<Parameter> parameters) {
        Map<Integer, List<Parameter>> layers = new TreeMap<>();
        for (Parameter parameter : parameters) {
            OptionalInt layer = layer(parameter.name());
            if (layer.isPresent() && !parameter.isFixed()) {
                layers.computeIfAbsent(layer.getAsInt(), _ -> new ArrayList<>()).add(parameter);
            }
        }
        return List.copyOf(layers.values());
    }

    /// The number of the layer that a parameter belongs to, if it belongs to one.
    static OptionalInt layer(String name) {
        Matcher matcher = LAYER.matcher(name);
        return matcher.find()
                ? OptionalInt.of(Integer.parseInt(matcher.group(1)))
                : OptionalInt.empty();
    }

    @Override
    public void begin() {
        activate((steps + plan.lead) / plan.every);
    }

    private Active activate(long turn) {
        Active now = active;
        if (now != null && now.turn == turn) {
            return now;
        }
        end();
        int block = blockOf(turn);
        Region region = Region.lasting("block in training");
        List<Parameter> parameters = blocks.get(block);
        parameters.forEach(parameter -> parameter.train(region));
        var optimizer =
                new TensorOptimizer(
                        ParameterGroup.byDecay(parameters, plan.decay),
                        plan.rule,
                        new Limits(plan.normMax, 0),
                        region);
        var next = new Active(turn, region, optimizer, block);
        active = next;
        return next;
    }

    private void end() {
        Active now = active;
        if (now != null) {
            active = null;
            now.optimizer.close();
            blocks.get(now.block).forEach(Parameter::freeze);
            now.region.close();
        }
    }

    /// Index of the block that trains in that turn.
    int blockOf(long turn) {
        int count = blocks.size();
        int last = count - 1;
        int first = plan.start >= 0 ? plan.start : plan.order == Order.DESCENDING ? last : 0;
        return switch (plan.order) {
            case ASCENDING -> (int) ((first + turn) % count);
            case DESCENDING -> (int) Math.floorMod(first - turn, (long) count);
            case FIXED -> first;
            case RANDOM -> {
                List<Integer> order = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    order.add(i);
                }
                Collections.shuffle(order, new Random(plan.seed * 31 + turn / count));
                yield order.get((int) (turn % count));
            }
        };
    }

    @Override
    public Outcome step(double rate) {
        begin();
        Outcome outcome = running().optimizer.step(rate);
        if (outcome.applied()) {
            steps++;
        }
        return outcome;
    }

    private Active running() {
        Active now = active;
        return now == null ? activate((steps + plan.lead) / plan.every) : now;
    }

    @Override
    public double clipped(double norm) {
        return running().optimizer.clipped(norm);
    }

    @Override
    public void clearGradients() {
        if (active != null) {
            active.optimizer.clearGradients();
        }
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
        // The block changes when the next step begins, not when the last one ends.
        long turn = (Math.max(0, stepsApplied - 1) + plan.lead) / plan.every;
        long before = Math.max(0, turn * plan.every - plan.lead);
        activate(turn).optimizer.resumeAt(stepsApplied - before);
    }

    @Override
    public Map<String, Tensor> state() {
        return running().optimizer.state();
    }

    @Override
    public void close() {
        end();
    }
}
