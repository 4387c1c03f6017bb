package dev.tunesmith.contracts.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/// Python's numbers: whole ones without a bound, floats as `double`, booleans as 0 and 1.
public final class Numbers {
    private static final int BITS_MAX = 1 << 16;
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);
    private static final BigInteger LONG_MIN = BigInteger.valueOf(Long.MIN_VALUE);

    private Numbers() {}

    /// The shortest representation of a whole number: `Long` where it fits.
    public static Object whole(BigInteger value) {
        boolean fits = value.compareTo(LONG_MAX) <= 0 && value.compareTo(LONG_MIN) >= 0;
        return fits ? (Object) value.longValue() : value;
    }

    public static boolean isNumber(Object value) {
        return value instanceof Number || value instanceof Boolean;
    }

    public static boolean isWhole(Object value) {
        return value instanceof Long || value instanceof BigInteger || value instanceof Boolean;
    }

    public static BigInteger big(Object value) {
        return switch (value) {
            case Long number -> BigInteger.valueOf(number);
            case BigInteger number -> number;
            case Boolean flag -> flag ? BigInteger.ONE : BigInteger.ZERO;
            default ->
                    throw TemplateException.runtime(
                            "expected a whole number, found " + Values.type(value));
        };
    }

    public static double toDouble(Object value) {
        return value instanceof Double number ? number : big(value).doubleValue();
    }

    public static int requireInt(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
        BigInteger number = big(value);
        if (number.bitLength() > 31) {
            throw TemplateException.runtime(
                    "a number of %d bits is too large here".formatted(number.bitLength()));
        }
        return number.intValue();
    }

    /// `left operator right` for two numbers.
    public static Object arithmetic(String operator, Object left, Object right) {
        return isWhole(left) && isWhole(right)
                ? wholeArithmetic(operator, big(left), big(right))
                : (Object) floatArithmetic(operator, toDouble(left), toDouble(right));
    }

    private static Object wholeArithmetic(String operator, BigInteger left, BigInteger right) {
        Effort.number(Math.max(left.bitLength(), right.bitLength()));
        return switch (operator) {
            case "+" -> whole(bounded(left.add(right)));
            case "-" -> whole(bounded(left.subtract(right)));
            case "*" -> whole(bounded(left.multiply(right)));
            case "/" -> {
                checkDivisor(right.signum() == 0);
                yield divided(left, right);
            }
            case "//" -> {
                checkDivisor(right.signum() == 0);
                yield whole(floorDivide(left, right));
            }
            case "%" -> {
                checkDivisor(right.signum() == 0);
                yield whole(left.subtract(floorDivide(left, right).multiply(right)));
            }
            case "**" -> power(left, right);
            default -> throw new IllegalArgumentException(operator);
        };
    }

    private static double divided(BigInteger left, BigInteger right) {
        boolean exact = left.bitLength() <= 53 && right.bitLength() <= 53;
        if (exact) {
            return left.doubleValue() / right.doubleValue();
        }
        return new BigDecimal(left)
                .divide(new BigDecimal(right), MathContext.DECIMAL128)
                .doubleValue();
    }

    private static BigInteger floorDivide(BigInteger left, BigInteger right) {
        BigInteger[] parts = left.divideAndRemainder(right);
        boolean down = parts[1].signum() != 0 && parts[1].signum() != right.signum();
        return down ? parts[0].subtract(BigInteger.ONE) : parts[0];
    }

    private static Object power(BigInteger base, BigInteger exponent) {
        if (exponent.signum() < 0) {
            checkDivisor(base.signum() == 0);
            return Math.pow(base.doubleValue(), exponent.doubleValue());
        }
        boolean small = base.bitLength() <= 1;
        if (!small
                && (exponent.bitLength() > 31
                        || (long) base.bitLength() * exponent.longValue() > BITS_MAX)) {
            throw Limits.reached("a number of more than %d bits".formatted(BITS_MAX));
        }
        if (small && base.signum() != 0 && exponent.bitLength() > 31) {
            boolean odd = exponent.testBit(0);
            return whole(base.signum() < 0 && !odd ? BigInteger.ONE : base);
        }
        return exponent.bitLength() > 31 ? 0L : whole(base.pow(exponent.intValue()));
    }

    private static BigInteger bounded(BigInteger value) {
        if (value.bitLength() > BITS_MAX) {
            throw Limits.reached("a number of more than %d bits".formatted(BITS_MAX));
        }
        return value;
    }

    private static double floatArithmetic(String operator, double left, double right) {
        return switch (operator) {
            case "+" -> left + right;
            case "-" -> left - right;
            case "*" -> left * right;
            case "/" -> {
                checkDivisor(right == 0);
                yield left / right;
            }
            case "//" -> {
                checkDivisor(right == 0);
                yield floorDivide(left, right);
            }
            case "%" -> {
                checkDivisor(right == 0);
                double rest = left % right;
                yield rest != 0 && Math.signum(rest) != Math.signum(right)
                        ? rest + right
                        : rest == 0 ? Math.copySign(0.0, right) : rest;
            }
            case "**" -> {
                checkDivisor(left == 0 && right < 0);
                yield Math.pow(left, right);
            }
            default -> throw new IllegalArgumentException(operator);
        };
    }

    /// CPython's `float_floor_div`: exact where the quotient rounds up to a whole number.
    private static double floorDivide(double left, double right) {
        double rest = left % right;
        double quotient = (left - rest) / right;
        if (rest != 0 && (right < 0) != (rest < 0)) {
            quotient -= 1;
        }
        if (quotient == 0) {
            return Math.copySign(0.0, left / right);
        }
        double floor = Math.floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static void checkDivisor(boolean zero) {
        if (zero) {
            throw TemplateException.runtime("division by zero");
        }
    }

    public static Object negate(Object value) {
        return value instanceof Double number ? (Object) (-number) : whole(big(value).negate());
    }

    /// Order of two numbers, exact also where a whole number has more digits than a float.
    ///
    /// @return the sign, or 2 if one of them is no number at all (NaN)
    public static int compare(Object left, Object right) {
        if (isWhole(left) && isWhole(right)) {
            return big(left).compareTo(big(right));
        }
        double a = toDouble(left);
        double b = toDouble(right);
        if (Double.isNaN(a) || Double.isNaN(b)) {
            return 2;
        }
        if (Double.isInfinite(a) || Double.isInfinite(b)) {
            return Double.compare(a, b);
        }
        return exact(left).compareTo(exact(right));
    }

    private static BigDecimal exact(Object value) {
        return value instanceof Double number ? new BigDecimal(number) : new BigDecimal(big(value));
    }

    /// Python's `repr` of a float: the shortest digits that read back as the same number.
    public static String text(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        String sign = value < 0 || (value == 0 && 1 / value < 0) ? "-" : "";
        if (value == 0) {
            return sign + "0.0";
        }
        BigDecimal shortest = shortest(Math.abs(value));
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - shortest.scale() - 1;
        if (exponent < -4 || exponent >= 16) {
            String rest = digits.substring(1);
            return "%s%s%se%s%02d"
                    .formatted(
                            sign,
                            digits.charAt(0),
                            rest.isEmpty() ? "" : "." + rest,
                            exponent < 0 ? "-" : "+",
                            Math.abs(exponent));
        }
        String plain = shortest.toPlainString();
        return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
    }

    /// Java gives at least two digits, which among the smallest numbers is one too many.
    private static BigDecimal shortest(double value) {
        BigDecimal digits = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        BigDecimal one = digits.round(new MathContext(1));
        return digits.precision() == 2 && one.doubleValue() == value ? one : digits;
    }

    /// Python's `round` with half to even, and the directed forms of the filter.
    public static Object round(Object value, int digits, String method) {
        if (isWhole(value)) {
            BigDecimal number = new BigDecimal(big(value));
            boolean common = method.equals("common");
            return common
                    ? whole(number.setScale(digits, RoundingMode.HALF_EVEN).toBigInteger())
                    : (Object) directed(number.doubleValue(), digits, method);
        }
        double number = toDouble(value);
        if (!Double.isFinite(number)) {
            return number;
        }
        return method.equals("common")
                ? copySign(
                        new BigDecimal(number)
                                .setScale(digits, RoundingMode.HALF_EVEN)
                                .doubleValue(),
                        number)
                : directed(number, digits, method);
    }

    private static double copySign(double rounded, double number) {
        return rounded == 0 ? Math.copySign(0.0, number) : rounded;
    }

    private static double directed(double value, int digits, String method) {
        double factor = Math.pow(10, digits);
        double scaled = value * factor;
        double rounded = method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled);
        return (rounded == 0 ? 0.0 : rounded) / factor;
    }
}
