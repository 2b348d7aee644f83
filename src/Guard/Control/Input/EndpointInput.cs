namespace Guard.Control.Input;

/// <summary>Says what is wrong with the URL of a runner or serverless pool; null, and the URL in the form to keep, when nothing is.</summary>
internal delegate string? EndpointCheck(string url, out string normalised);

/// <summary>Reads a URL that Guard will call.</summary>
internal static class EndpointInput
{
    public static string Read(JsonFields fields, string name, EndpointCheck check)
    {
        var url = fields.Text(name, TextRule.Url);
        if (url.Length == 0)
        {
            return url;
        }

        if (check(url, out var normalised) is { } wrong)
        {
            fields.Errors.Add(fields.PathTo(name), wrong);
        }

        return normalised;
    }
}
