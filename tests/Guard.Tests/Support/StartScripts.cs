using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Guard.Tests.Support;

/// <summary>What a <see cref="ScriptedRunner"/> does with one start or stop call. The actor is on the runner already when a start script
/// runs; a script that ends it calls <see cref="ScriptedRunner.Forget"/>.</summary>
internal delegate Task RunnerScript(ScriptedRunner runner, RunnerCall call, HttpContext context);

/// <summary>A start or stop as it arrived.</summary>
/// <param name="Body">The whole JSON body.</param>
/// <param name="Channel">The <c>x-guard-channel</c> header; empty without one.</param>
internal sealed record RunnerCall(string ActorId, long Generation, string Body, string Channel);

/// <summary>The behaviours of docs/contract.md, section 4, item 4, ready to use.</summary>
internal static class StartScripts
{
    /// <summary>200: ready at once.</summary>
    public static readonly RunnerScript Ready = static (_, _, _) => Task.CompletedTask;

    /// <summary>202 and nothing more.</summary>
    public static readonly RunnerScript AcceptOnly = static (_, _, context) => AnswerAsync(context, StatusCodes.Status202Accepted);

    /// <summary>202, then the event <c>ready</c>.</summary>
    public static readonly RunnerScript ReadyByEvent = AcceptThen("ready");

    /// <summary>202, then the event <c>stopped</c>: it stopped before it was ready.</summary>
    public static readonly RunnerScript StoppedBeforeReady = AcceptThen("stopped");

    /// <summary>202, then the event <c>crashed</c>.</summary>
    public static readonly RunnerScript CrashedBeforeReady = AcceptThen("crashed");

    /// <summary>500: the actor is not there.</summary>
    public static readonly RunnerScript Fail = Status(StatusCodes.Status500InternalServerError);

    /// <summary>No answer for as long as the caller waits; the actor may run all the same.</summary>
    public static readonly RunnerScript Hang = static async (_, _, context) =>
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), left);
        await left.Task;
    };

    /// <summary>The connection is reset (a real RST) after the call was read.</summary>
    public static readonly RunnerScript Reset = static (runner, call, context) =>
    {
        runner.Forget(call.ActorId);
        ResetConnection(context);
        return Task.CompletedTask;
    };

    /// <summary>Any status; the actor is not there afterwards.</summary>
    public static RunnerScript Status(int status) => async (runner, call, context) =>
    {
        runner.Forget(call.ActorId);
        await AnswerAsync(context, status);
    };

    /// <summary>Waits for <paramref name="release"/>, then does <paramref name="then"/>: lets a test see that everyone is parked.</summary>
    public static RunnerScript After(Task release, RunnerScript then) => async (runner, call, context) =>
    {
        await release;
        await then(runner, call, context);
    };

    /// <summary>Resets the connection under a request, so that its peer sees an RST, not an orderly end.</summary>
    public static void ResetConnection(HttpContext context)
    {
        var socket = context.Features.Get<IConnectionSocketFeature>()!.Socket;
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
        context.Abort();
    }

    private static RunnerScript AcceptThen(string runnerEvent) => async (runner, call, context) =>
    {
        await AnswerAsync(context, StatusCodes.Status202Accepted);
        if (runnerEvent != "ready")
        {
            runner.Forget(call.ActorId);
        }

        await runner.SendEventAsync(call.ActorId, call.Generation, runnerEvent, CancellationToken.None);
    };

    private static async Task AnswerAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        await context.Response.CompleteAsync();
    }
}
