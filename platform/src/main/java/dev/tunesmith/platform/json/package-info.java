/// The one place that owns a JSON library. Everything else passes records, trees and text.
@NullMarked
package dev.tunesmith.platform.json;

import org.jspecify.annotations.NullMarked;
