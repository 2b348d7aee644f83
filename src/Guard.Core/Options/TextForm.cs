namespace Guard.Core.Options;

/// <summary>The forms of text that options have.</summary>
internal enum TextForm
{
    Any,
    BaseUrl,
    Domain,
    EndpointName,
    EndpointPattern,
    ExistingFile,
    ExistingPemFile,
    File,
    HashedToken,
    KeyPrefix,
    Label,
    Network,
    Origin,
    RedisConfiguration,
    RunnerKey,
    Token,
    Url,
    UrlPath,
}

/// <summary>What each form allows. What depends on the world around, such as whether a file exists, <see cref="OptionRules"/> checks.</summary>
internal static class TextForms
{
    /// <summary>What is allowed, for people (continues "expected …"), and whether a text that is not empty is.</summary>
    public static (string Allowed, Func<string, bool> IsValid) Of(TextForm form) => form switch
    {
        TextForm.Any => ("a text", _ => true),
        TextForm.BaseUrl => ("an http:// or https:// URL without user name, query and fragment", OptionSyntax.IsBaseUrl),
        TextForm.Domain => ("a domain name such as actors.example.com", OptionSyntax.IsDomain),
        TextForm.EndpointName => ("the name of an http:// endpoint that serves clients", _ => true),
        TextForm.EndpointPattern => (
            "a network (10.0.0.0/8), an address, or a host pattern (*.example.com)",
            text => !text.AsSpan().ContainsAny(' ', '\t')),
        TextForm.ExistingFile => ("the path of a file that exists", _ => true),
        TextForm.ExistingPemFile => ("the path of a PEM file that exists", _ => true),
        TextForm.File => ("the path of a file", _ => true),
        TextForm.HashedToken => (
            "{namespace}=sha256:{64 hexadecimal digits}, with * for every namespace; guard hash-token prints it",
            OptionSyntax.IsHashedToken),
        TextForm.KeyPrefix => ("1 to 64 of A-Z a-z 0-9 . _ : -", OptionSyntax.IsKeyPrefix),
        TextForm.Label => ("1 to 63 of a-z 0-9 -, no - at the ends", text => OptionSyntax.IsLabel(text)),
        TextForm.Network => ("a network such as 10.0.0.0/8 (host bits zero), or an address", OptionSyntax.IsNetwork),
        TextForm.Origin => (
            "*, null, or scheme://host[:port] as a browser sends it (lower case, no path, no default port)",
            OptionSyntax.IsOrigin),
        TextForm.RedisConfiguration => ("a StackExchange.Redis configuration string", text => !string.IsNullOrWhiteSpace(text)),
        TextForm.RunnerKey => (
            "1 to 128 characters, none of them a control character",
            text => text.Length <= 128 && !text.Any(char.IsControl)),
        TextForm.Token => ("visible ASCII characters without spaces", OptionSyntax.IsToken),
        TextForm.Url => ("an absolute http or https URL", OptionSyntax.IsUrl),
        TextForm.UrlPath => ("a path that begins with /", text => text.StartsWith('/') && !text.Any(char.IsWhiteSpace)),
        _ => throw new ArgumentOutOfRangeException(nameof(form)),
    };
}
