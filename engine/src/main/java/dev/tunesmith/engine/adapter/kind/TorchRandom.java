package dev.tunesmith.engine.adapter.kind;

/// The random numbers that torch's generator on the CPU gives for a seed: a Mersenne Twister
/// (Matsumoto and Nishimura 1998), of whose outputs a float takes the lowest 24 bits.
final class TorchRandom {

    private static final int SIZE = 624;
    private static final int SHIFT = 397;
    private static final int MATRIX = 0x9908b0df;

    private final int[] state = new int[SIZE];
    private int next = SIZE;

    TorchRandom(long seed) {
        state[0] = (int) seed;
        for (int i = 1; i < SIZE; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    /// Uniform in `[from, to)`.
    float uniform(float from, float to) {
        float unit = (bits() & ((1 << 24) - 1)) * (1f / (1 << 24));
        return unit * (to - from) + from;
    }

    private int bits() {
        if (next == SIZE) {
            turn();
        }
        int y = state[next++];
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >>> 18);
    }

    private void turn() {
        for (int i = 0; i < SIZE; i++) {
            int y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
            state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ ((y & 1) == 0 ? 0 : MATRIX);
        }
        next = 0;
    }
}
