using System.Text.Json;

namespace Guard.Model.Text;

/// <summary>A member of a pool or actor error is wrong; the kind of error is a known one.</summary>
/// <param name="member">Its path, e.g. <c>serverless_http_error.status_code</c>; the caller's, so of any length.</param>
/// <param name="rule">What is wrong, and what is allowed.</param>
/// <param name="inner">What the reader threw.</param>
internal sealed class VariantException(string member, string rule, Exception? inner = null)
    : JsonException($"{VariantReader.Shorten(member)}: {rule}", inner)
{
    public string Member => member;

    public string Rule => rule;
}
