package dev.tunesmith.engine.gguf;

/// Values as `scale · code − least` with codes from 0 on: the best of some roundings by weighted
/// squared error. A value weighs its size plus the root mean square of all.
///
/// @param least not negative, so that 0 can be said
record LineFit(float scale, float least) {
    private static final int TRIES = 20;

    static LineFit of(float[] from, int at, int count, int codeMax) {
        float low = 0;
        float high = from[at];
        double squares = 0;
        for (int i = at; i < at + count; i++) {
            low = Math.min(low, from[i]);
            high = Math.max(high, from[i]);
            squares += (double) from[i] * from[i];
        }
        if (high <= low) {
            return new LineFit(0, -low);
        }
        float mean = (float) Math.sqrt(squares / count);
        var search = new Search(from, at, count, codeMax, low, mean);
        search.consider((high - low) / codeMax, -low, codeMax / (high - low));
        for (int tenth = 0; tenth <= TRIES; tenth++) {
            search.fit((codeMax - 1 + 0.1f * tenth) / (high - low));
        }
        return new LineFit(search.scale, search.least);
    }

    private static final class Search {
        private final float[] from;
        private final int at;
        private final int count;
        private final int codeMax;
        private final float low;
        private final float mean;
        private double error = Double.MAX_VALUE;
        private float scale;
        private float least;

        Search(float[] from, int at, int count, int codeMax, float low, float mean) {
            this.from = from;
            this.at = at;
            this.count = count;
            this.codeMax = codeMax;
            this.low = low;
            this.mean = mean;
        }

        private int code(float value, float inverse) {
            return Math.clamp(Math.round(inverse * (value - low)), 0, codeMax);
        }

        /// The line of least squares through the codes that `inverse` gives.
        void fit(float inverse) {
            double w = 0;
            double wc = 0;
            double wcc = 0;
            double wx = 0;
            double wxc = 0;
            for (int i = at; i < at + count; i++) {
                int code = code(from[i], inverse);
                double weight = mean + Math.abs(from[i]);
                w += weight;
                wc += weight * code;
                wcc += weight * code * code;
                wx += weight * from[i];
                wxc += weight * from[i] * code;
            }
            double determinant = w * wcc - wc * wc;
            if (determinant <= 0) {
                return;
            }
            double slope = (w * wxc - wx * wc) / determinant;
            double start = (wcc * wx - wc * wxc) / determinant;
            if (start > 0) {
                start = 0;
                slope = wxc / wcc;
            }
            consider((float) slope, (float) -start, inverse);
        }

        void consider(float slope, float offset, float inverse) {
            double sum = 0;
            for (int i = at; i < at + count; i++) {
                double difference = slope * code(from[i], inverse) - offset - from[i];
                sum += (mean + Math.abs(from[i])) * difference * difference;
            }
            if (sum < error && slope >= 0) {
                error = sum;
                scale = slope;
                least = offset;
            }
        }
    }
}
