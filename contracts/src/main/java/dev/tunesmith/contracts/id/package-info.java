/// One record for each kind of identity, each with its wire form.
///
/// Wire forms are the prefixes of the OpenAI surface and 32 hexadecimal digits: `ftjob-…`,
/// `file-…`. JSON shows an id as its wire form; `parse` also accepts a plain UUID, because messages
/// that SQL writes carry those. Ids are made by [Ids], never by `UUID.randomUUID()`.
@NullMarked
package dev.tunesmith.contracts.id;

import org.jspecify.annotations.NullMarked;
