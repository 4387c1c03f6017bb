package dev.tunesmith.contracts.survey;

/// What training costs, as an operator has set it.
///
/// @param perMillion for a million trained tokens
/// @param currency what it is counted in, `EUR`
public record Price(double perMillion, String currency) {
    public Price {
        if (!(perMillion >= 0) || perMillion > 1e9 || currency.isBlank()) {
            throw new IllegalArgumentException(
                    "a price of %s %s a million tokens".formatted(perMillion, currency));
        }
    }
}
