namespace Guard.Core.Transport.Connections;

/// <summary>The runner closed the connection after it was sent a request, without a byte of reply: it may have run the request.</summary>
internal sealed class RunnerClosedException() : IOException("The runner closed the connection without a reply.");
