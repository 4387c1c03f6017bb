package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Effort;
import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoUnit;
import java.time.temporal.IsoFields;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// `strftime` in the C locale.
final class DateText {
    private static final Pattern FIELD = Pattern.compile("%(-?)(.)", Pattern.DOTALL);

    private static final int UNITS_OF_A_FIELD = 50;

    private final LocalDateTime time;

    private DateText(LocalDateTime time) {
        this.time = time;
    }

    static String of(String format, LocalDateTime time) {
        var date = new DateText(time);
        var out = new StringBuilder();
        Matcher field = FIELD.matcher(format);
        int at = 0;
        while (field.find()) {
            Effort.items(UNITS_OF_A_FIELD);
            out.append(format, at, field.start());
            String text = date.field(field.group(2).charAt(0));
            boolean unpadded = !field.group(1).isEmpty();
            out.append(unpadded ? text.replaceFirst("^0+(?=.)", "") : text);
            at = field.end();
        }
        return out.append(format.substring(at)).toString();
    }

    private String field(char letter) {
        return switch (letter) {
            case 'Y' -> "%d".formatted(time.getYear());
            case 'y' -> two(time.getYear() % 100);
            case 'm' -> two(time.getMonthValue());
            case 'd' -> two(time.getDayOfMonth());
            case 'e' -> "%2d".formatted(time.getDayOfMonth());
            case 'H' -> two(time.getHour());
            case 'I' -> two((time.getHour() + 11) % 12 + 1);
            case 'M' -> two(time.getMinute());
            case 'S' -> two(time.getSecond());
            case 'f' -> "%06d".formatted(time.getNano() / 1000);
            case 'j' -> "%03d".formatted(time.getDayOfYear());
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'a' -> day(TextStyle.SHORT);
            case 'A' -> day(TextStyle.FULL);
            case 'b', 'h' -> month(TextStyle.SHORT);
            case 'B' -> month(TextStyle.FULL);
            case 'u' -> "%d".formatted(time.getDayOfWeek().getValue());
            case 'w' -> "%d".formatted(time.getDayOfWeek().getValue() % 7);
            case 'U' -> two(week(time.getDayOfWeek().getValue() % 7));
            case 'W' -> two(week(time.getDayOfWeek().getValue() - 1));
            default -> composed(letter);
        };
    }

    private String composed(char letter) {
        return switch (letter) {
            case 'D', 'x' -> of("%m/%d/%y", time);
            case 'F' -> of("%Y-%m-%d", time);
            case 'T', 'X' -> of("%H:%M:%S", time);
            case 'R' -> of("%H:%M", time);
            case 'c' -> of("%a %b %e %H:%M:%S %Y", time);
            case 's' -> "%d".formatted(time.toEpochSecond(java.time.ZoneOffset.UTC));
            case 'G' -> "%d".formatted(time.get(IsoFields.WEEK_BASED_YEAR));
            case 'V' -> two(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'Z', 'z' -> "";
            case '%' -> "%";
            default -> "%" + letter;
        };
    }

    private int week(int dayOfWeek) {
        long days =
                ChronoUnit.DAYS.between(time.toLocalDate().withDayOfYear(1), time.toLocalDate());
        return (int) ((days + 7 - dayOfWeek) / 7);
    }

    private String day(TextStyle style) {
        return time.getDayOfWeek().getDisplayName(style, Locale.ENGLISH);
    }

    private String month(TextStyle style) {
        return time.getMonth().getDisplayName(style, Locale.ENGLISH);
    }

    private static String two(int value) {
        return "%02d".formatted(value);
    }
}
