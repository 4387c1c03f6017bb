package dev.tunesmith.engine.tape;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/// The inputs of blocks that follow each other, written to an [InputFile] while the next block
/// computes: two outputs take turns in memory. On the way back, one is read ahead.
final class WaitingInputs {
    private final InputFile file;
    private final Tensor[] turns;
    private final MemorySegment ahead;
    private final Future<?>[] writing = new Future<?>[2];
    private final List<InputFile.Place> places = new ArrayList<>();
    private @Nullable Tensor last;
    private @Nullable Future<?> reading;
    private int readingOf = -1;

    /// @param like what inputs and outputs look like
    WaitingInputs(InputFile file, Tensor like, Region region) {
        this.file = file;
        this.turns = new Tensor[] {empty(region, like), empty(region, like)};
        this.ahead = region.onHost(like.bytes());
    }

    private static Tensor empty(Region region, Tensor like) {
        return region.tensor(like.type(), like.shape());
    }

    /// Whether `x` is what the last block put out, so that its memory may be used again.
    boolean follows(Tensor x) {
        return x == last;
    }

    /// Begins to write the input of a block.
    ///
    /// @return its number
    int keep(Tensor x) {
        InputFile.Place place = file.place(x);
        places.add(place);
        int number = places.size() - 1;
        writing[number % 2] = file.write(x, place);
        return number;
    }

    /// The place for the output of block `number`: that of the input before its own.
    Tensor output(int number) {
        int turn = (number + 1) % 2;
        InputFile.await(writing[turn]);
        Tensor out = turns[turn].reshape(turns[turn].shape());
        last = out;
        return out;
    }

    /// Reads the input of block `number`, and begins to read the one before it.
    Tensor bring(int number, Region region) {
        Tensor into = empty(region, turns[0]);
        if (readingOf != number) {
            begin(number);
        }
        InputFile.await(reading);
        into.setBytes(ahead);
        if (number > 0) {
            begin(number - 1);
        }
        return into;
    }

    private void begin(int number) {
        InputFile.await(reading);
        InputFile.await(writing[number % 2]);
        reading = file.read(ahead, places.get(number));
        readingOf = number;
    }
}
