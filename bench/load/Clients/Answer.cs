namespace Guard.Load.Clients;

/// <summary>One answer of <c>/who</c>, from the side that asked.</summary>
/// <param name="Actor">Which one was asked for, counted from 0.</param>
/// <param name="SentAt">A timestamp.</param>
/// <param name="Took">Microseconds.</param>
/// <param name="Status">Of HTTP.</param>
/// <param name="Generation">That Guard sent it to.</param>
/// <param name="Address">The number in the runner's base path; 0 without.</param>
internal readonly record struct Answer(int Actor, long SentAt, float Took, short Status, long Generation, long Address);
