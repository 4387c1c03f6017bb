package dev.tunesmith.contracts.inspect;

import java.util.List;
import java.util.function.Consumer;

/// Finds what looks like a secret or personal data in a text, in one pass and without regular
/// expressions: they would take longer than everything else that is checked.
///
/// A number counts as a credit card only with a right last digit (Luhn), an account number only
/// with a right remainder (ISO 13616), a phone number only in a form that is written with `+`,
/// brackets or separators.
public final class SensitiveText {

    private static final String PEM = "-----BEGIN ";
    private static final int TOKEN_MAX = 512;

    /// What the tokens of well-known services begin with.
    ///
    /// @param letters how many letters, digits, `_` or `-` follow at least
    private record Prefix(String text, int letters, FindingKind kind) {}

    private static final List<Prefix> PREFIXES =
            List.of(
                    new Prefix("AKIA", 16, FindingKind.API_KEY),
                    new Prefix("ASIA", 16, FindingKind.API_KEY),
                    new Prefix("AIza", 35, FindingKind.API_KEY),
                    new Prefix("sk-", 20, FindingKind.API_KEY),
                    new Prefix("sk_live_", 16, FindingKind.API_KEY),
                    new Prefix("rk_live_", 16, FindingKind.API_KEY),
                    new Prefix("hf_", 30, FindingKind.API_KEY),
                    new Prefix("npm_", 36, FindingKind.API_KEY),
                    new Prefix("pypi-", 40, FindingKind.API_KEY),
                    new Prefix("ghp_", 30, FindingKind.ACCESS_TOKEN),
                    new Prefix("gho_", 30, FindingKind.ACCESS_TOKEN),
                    new Prefix("ghu_", 30, FindingKind.ACCESS_TOKEN),
                    new Prefix("ghs_", 30, FindingKind.ACCESS_TOKEN),
                    new Prefix("ghr_", 30, FindingKind.ACCESS_TOKEN),
                    new Prefix("github_pat_", 30, FindingKind.ACCESS_TOKEN),
                    new Prefix("glpat-", 20, FindingKind.ACCESS_TOKEN),
                    new Prefix("xoxb-", 20, FindingKind.ACCESS_TOKEN),
                    new Prefix("xoxp-", 20, FindingKind.ACCESS_TOKEN),
                    new Prefix("xoxa-", 20, FindingKind.ACCESS_TOKEN),
                    new Prefix("xapp-", 20, FindingKind.ACCESS_TOKEN));

    private static final Prefix[][] BY_LETTER = byLetter();

    private static final byte NOTHING = 0;
    private static final byte WORD = 1;
    private static final byte DIGIT = 2;
    private static final byte AT = 3;
    private static final byte PLUS = 4;
    private static final byte BRACKET = 5;
    private static final byte DASH = 6;
    private static final byte[] CLASSES = classes();

    private final String text;
    private final Consumer<FindingKind> found;

    private SensitiveText(String text, Consumer<FindingKind> found) {
        this.text = text;
        this.found = found;
    }

    private static Prefix[][] byLetter() {
        Prefix[][] table = new Prefix[128][];
        for (int c = 0; c < 128; c++) {
            int letter = c;
            Prefix[] list =
                    PREFIXES.stream()
                            .filter(prefix -> prefix.text().charAt(0) == letter)
                            .toArray(Prefix[]::new);
            table[c] = list;
        }
        return table;
    }

    private static byte[] classes() {
        byte[] classes = new byte[128];
        for (int c = 0; c < 128; c++) {
            if (c >= '0' && c <= '9') {
                classes[c] = DIGIT;
            } else if (Character.isLetter(c)) {
                classes[c] = WORD;
            }
        }
        classes['@'] = AT;
        classes['+'] = PLUS;
        classes['('] = BRACKET;
        classes['-'] = DASH;
        return classes;
    }

    /// Tells the kind of each thing that is found, as often as it is found.
    public static void scan(String text, Consumer<FindingKind> found) {
        new SensitiveText(text, found).scan();
    }

    private void scan() {
        int length = text.length();
        int i = 0;
        while (i < length) {
            char c = text.charAt(i);
            byte kind = c < 128 ? CLASSES[c] : NOTHING;
            i =
                    switch (kind) {
                        case NOTHING -> i + 1;
                        case WORD -> word(i);
                        case DIGIT -> digits(i, i);
                        case PLUS, BRACKET -> phoneMark(i);
                        case AT -> address(i);
                        default -> dash(i);
                    };
        }
    }

    private boolean isWord(int i) {
        if (i < 0 || i >= text.length()) {
            return false;
        }
        char c = text.charAt(i);
        return c < 128 && (CLASSES[c] == WORD || CLASSES[c] == DIGIT);
    }

    private boolean isDigit(int i) {
        return i >= 0 && i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }

    private int wordEnd(int from) {
        int length = text.length();
        int i = from;
        while (i < length) {
            char c = text.charAt(i);
            if (c >= 128 || CLASSES[c] == NOTHING || CLASSES[c] > DIGIT) {
                break;
            }
            i++;
        }
        return i;
    }

    /// Returns the place behind the word that begins here, or behind what was found in it.
    private int word(int i) {
        char first = text.charAt(i);
        for (Prefix prefix : BY_LETTER[first]) {
            if (text.startsWith(prefix.text(), i)) {
                int end = tokenEnd(i + prefix.text().length());
                if (end - i - prefix.text().length() >= prefix.letters()) {
                    found.accept(prefix.kind());
                    return end;
                }
            }
        }
        if (first == 'e' && text.startsWith("eyJ", i)) {
            return webToken(i);
        }
        int end = wordEnd(i);
        if (first >= 'A' && first <= 'Z' && isDigit(i + 2) && isDigit(i + 3)) {
            return Math.max(end, account(i));
        }
        return end;
    }

    private int tokenEnd(int from) {
        int i = from;
        while (i < text.length()
                && i - from < TOKEN_MAX
                && (isWord(i) || text.charAt(i) == '_' || text.charAt(i) == '-')) {
            i++;
        }
        return i;
    }

    /// A JSON web token: three parts, of which the first two are objects in base64.
    private int webToken(int i) {
        int first = tokenEnd(i);
        if (first - i >= 15 && text.startsWith(".eyJ", first)) {
            int second = tokenEnd(first + 1);
            if (second < text.length() && text.charAt(second) == '.') {
                int third = tokenEnd(second + 1);
                if (third - second > 20) {
                    found.accept(FindingKind.ACCESS_TOKEN);
                    return third;
                }
            }
        }
        return first;
    }

    /// An IBAN, in one piece or in groups of four.
    private int account(int i) {
        if (!(text.charAt(i + 1) >= 'A' && text.charAt(i + 1) <= 'Z')) {
            return i;
        }
        int remainder = 0;
        int letters = 0;
        int end = i;
        for (int k = i; k < text.length() && letters < 34; k++) {
            char c = text.charAt(k);
            if (c == ' ' && letters % 4 == 0 && isWord(k + 1)) {
                continue;
            }
            if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z')) {
                break;
            }
            letters++;
            end = k + 1;
            if (letters > 4) {
                remainder = joined(remainder, c);
            }
            if (letters >= 15 && !isWord(end) && rest(remainder, i) == 1) {
                found.accept(FindingKind.IBAN);
                return end;
            }
        }
        return i;
    }

    /// The remainder by 97 with one more character, of which letters are two digits.
    private static int joined(int remainder, char c) {
        return c <= '9' ? (remainder * 10 + c - '0') % 97 : (remainder * 100 + c - 'A' + 10) % 97;
    }

    /// The first four characters count last.
    private int rest(int remainder, int begin) {
        int value = remainder;
        for (int k = begin; k < begin + 4; k++) {
            value = joined(value, text.charAt(k));
        }
        return value;
    }

    /// Digits in groups: a card, or a phone number.
    ///
    /// @param begin where the number begins, which may be a `+` or a bracket
    private int digits(int begin, int i) {
        int digits = 0;
        int groups = 1;
        int sum = 0;
        int plain = 0;
        int end = i;
        int k = i;
        for (; k < text.length() && digits <= 19; k++) {
            if (isDigit(k)) {
                digits++;
                end = k + 1;
                // Luhn's sum for both parities; which one counts is known at the end.
                int digit = text.charAt(k) - '0';
                int twice = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
                sum += digits % 2 == 0 ? digit : twice;
                plain += digits % 2 == 0 ? twice : digit;
            } else if (isSeparator(k)) {
                groups++;
            } else {
                break;
            }
        }
        if (isWord(end) || (begin > 0 && (isWord(begin - 1) || text.charAt(begin - 1) == '.'))) {
            return wordEnd(end);
        }
        boolean right = (digits % 2 == 0 ? sum : plain) % 10 == 0;
        if (begin == i && right && digits >= 13 && isCard(i, digits)) {
            found.accept(FindingKind.CREDIT_CARD);
        } else if (isPhone(begin, digits, groups)) {
            found.accept(FindingKind.PHONE);
        }
        return end;
    }

    private boolean isSeparator(int k) {
        char c = text.charAt(k);
        boolean between = isDigit(k + 1) || (c == ')' || c == '(' || isBracketed(k));
        return (c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/') && between;
    }

    private boolean isBracketed(int k) {
        return k + 1 < text.length() && (text.charAt(k + 1) == '(' || text.charAt(k) == ')');
    }

    /// Whether a network of cards has numbers of this beginning and length; no digit repeated.
    private boolean isCard(int i, int digits) {
        char second = text.charAt(i + 1);
        boolean known =
                switch (text.charAt(i)) {
                    case '4' -> digits == 13 || digits == 16 || digits == 19;
                    case '5', '2' -> digits == 16;
                    case '6' -> digits == 16 || digits == 19;
                    case '3' ->
                            digits
                                    == (second == '4' || second == '7'
                                            ? 15
                                            : second == '5' ? 16 : 14);
                    default -> false;
                };
        return known
                && !(text.charAt(i) == second
                        && text.charAt(i + 2) == second
                        && text.charAt(i + 3) == second);
    }

    private boolean isPhone(int begin, int digits, int groups) {
        return switch (text.charAt(begin)) {
            case '+' -> digits >= 8 && digits <= 15;
            case '(' -> digits >= 9 && digits <= 15 && groups >= 2;
            case '0' -> digits >= 9 && digits <= 14 && groups >= 3 && !isDate(begin);
            default -> digits == 10 && groups == 3 && text.charAt(begin + 3) == '-';
        };
    }

    /// `01.02.2026 10:00` and the like.
    private boolean isDate(int begin) {
        return begin + 5 < text.length() && !isDigit(begin + 2) && !isDigit(begin + 5);
    }

    private int phoneMark(int i) {
        return isDigit(i + 1) && !isWord(i - 1) ? Math.max(i + 1, digits(i, i + 1)) : i + 1;
    }

    /// An address of e-mail, or a URL with a password, around an `@`.
    private int address(int i) {
        int begin = i;
        while (begin > 0 && i - begin < 64 && isLocal(begin - 1)) {
            begin--;
        }
        int end = i + 1;
        int dot = -1;
        while (end < text.length()
                && (isWord(end) || text.charAt(end) == '-' || text.charAt(end) == '.')) {
            if (text.charAt(end) == '.' && isWord(end + 1)) {
                dot = end;
            }
            end++;
        }
        if (isLogin(i)) {
            found.accept(FindingKind.PASSWORD_IN_URL);
        } else if (begin < i && dot > i + 1 && wordEnd(dot + 1) - dot > 2) {
            found.accept(FindingKind.EMAIL);
        }
        return end;
    }

    private boolean isLocal(int k) {
        char c = text.charAt(k);
        return isWord(k) || c == '.' || c == '_' || c == '+' || c == '-' || c == '%';
    }

    /// Whether `scheme://user:password` stands before an `@`.
    private boolean isLogin(int i) {
        int colon = -1;
        for (int k = i - 1; k > 1 && i - k < 128 && text.charAt(k) > ' '; k--) {
            if (text.charAt(k) == '/') {
                return text.charAt(k - 1) == '/'
                        && text.charAt(k - 2) == ':'
                        && colon > k + 1
                        && colon < i - 1;
            }
            if (text.charAt(k) == ':') {
                colon = k;
            }
        }
        return false;
    }

    private int dash(int i) {
        if (text.startsWith(PEM, i)) {
            int end = text.indexOf("-----", i + PEM.length());
            if (end > 0 && end - i < 60 && text.startsWith("PRIVATE KEY", end - 11)) {
                found.accept(FindingKind.PRIVATE_KEY);
                return end + 5;
            }
        }
        return i + 1;
    }
}
