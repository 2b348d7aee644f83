namespace Guard.Model.Stores;

/// <param name="Cursor">Where the next page starts; null on the last one.</param>
internal readonly record struct Page<T>(IReadOnlyList<T> Items, string? Cursor);
